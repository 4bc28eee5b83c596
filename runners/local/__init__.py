"""The local runner: runs a bundle's nodes on this machine, and records its runs.

    runner.py    runs the nodes of a run
    capacity.py  which node starts next
    children.py  the processes of the nodes
    partial.py   part of a pipeline: `--from` and `--to`
    record.py    the records of this root's runs, and its lock

To limit concurrency by another resource, add it to `Capacity`.
"""
