"""What learns: features, preprocessing, network, training, tuning and export of a model."""
