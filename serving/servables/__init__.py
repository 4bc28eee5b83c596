"""Versions in memory: loading one, asking it in batches, and changing over from one to the next."""
