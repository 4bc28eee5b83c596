"""The model code: features, preprocessing, network, training, tuning and export."""
