"""The warm worker: has imported TFX once and forks a process for each node, which saves seconds.

`python -m beltline.runners.warm` has the node runner's options, output, exit codes and signals. The
client (`client.py`) passes the node to the worker (`worker.py`) of this host, user and environment
(`address.py`), and starts one if there is none. If no worker is available, it runs the node in a
plain process. An idle worker exits after a while. To add a message between the two, add it to
`messages.py`.
"""
