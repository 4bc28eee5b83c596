"""The served model, watched where nodes run, for a retrain that an alarm starts."""
