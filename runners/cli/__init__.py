"""The command line `beltline`: one module per command, in `commands/`.

To add a command, write `commands/<name>.py` and list it in `main.py`. What several commands share
is beside them: options, tables, the HTML page, the number of a version.
"""
