"""The programs that run in the pods of a package beside nodes: `unpack` and `report`.

To add one, write a module with a `main` here, make its task in `compile/parts.py`, and give its pod
what it needs in `compile/pods.py`.
"""
