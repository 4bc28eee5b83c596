"""`beltline check`: what would make a run fail, found beforehand; a module for each target.

To add a target, write a module with `NAMES` and `findings(project, paths)`, and list it in
`runners/cli/commands/check.py`. To add a check to a target, write a function that returns one line
or raises `Problem` with its fix, and list it in that module.
"""
