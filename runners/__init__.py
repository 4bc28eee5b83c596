"""Where a bundle runs: one small file for each place, all through the node runner.

A new runner reads the manifest, starts `python -m beltline.runners.node` for each node in the order
of its edges, and maps the exit codes; it needs nothing of `pipeline/`.
"""
