"""The node runner: one node of a bundle, anywhere.

Every runner starts `python -m beltline.runners.node --bundle DIR --node ID --run ID`, or calls
`run.run_node` in a process that has already imported TFX. To add an option, read it in
`run.main` and pass it to `run_node`; `docs/commands.md` has the contract.
"""
