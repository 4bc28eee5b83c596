"""What runs in the pods of a package: unpack, a node as a task, and the report."""
