"""Nodes without the seconds of imports: a worker that has imported TFX once and forks for each.

`python -m beltline.runners.warm` takes the node runner's options and ends as it would: the same
output, exit codes and signals. The client (`client.py`) hands the node to the worker (`worker.py`)
of this host, user and environment (`address.py`), and starts one if there is none; where none can
be had, it runs the node in a plain process. A worker ends when it has had nothing to do for a
while.
"""
