"""The node runner: one node of a bundle, anywhere.

`python -m beltline.runners.node --bundle DIR --node ID --run ID [--param k=v]…` runs it; every
runner calls that, or `run.run_node` in a process that has imported TFX already.
"""
