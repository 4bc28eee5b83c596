"""Object stores, `s3://` and `gs://`: URLs, objects, a lease for writers, a cache for readers.

Connections and credentials come from the environment, see `filesystem.py`. This package knows
objects and bytes; what they mean is known to those who store them.
"""
