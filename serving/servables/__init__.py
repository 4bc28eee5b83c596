"""Servables: the versions of the model in memory, as TensorFlow Serving calls them.

served.py            the versions that a server has; a thread follows the version folder
loaded_versions.py   what is in memory, reconciled with the folder
servable.py          one version, loaded and checked (checks.py)
load_failures.py     broken versions, and when each is retried
session.py           TensorFlow: a SavedModel's graph, called by signature (signature.py)
batching.py          requests that wait for the model, run in batches (batch_run.py)
"""
