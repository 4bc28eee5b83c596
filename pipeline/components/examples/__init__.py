"""What ExampleGen's executor does, part by part: `executor.py` puts the parts together."""
