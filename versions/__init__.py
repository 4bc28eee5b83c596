"""The folder of served versions: all that passes from `pipeline/` to `serving/`.

`<root>/<push.directory>/<name>/<number>/`, a SavedModel each, as TensorFlow Serving expects it.
This package knows the format of the folder: its files, how versions are pushed and deleted, and
which one is live. It knows neither who pushes a version nor who serves it.
"""
