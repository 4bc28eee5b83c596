"""The served versions: the one thing that passes from `pipeline/` to `serving/`.

`<root>/<push.directory>/<name>/<number>/`, a SavedModel each, as TensorFlow Serving expects it.
This package knows the folder's format: what lies there, how a version comes and goes, and which is
live. It knows nobody who makes a version or answers with it.
"""
