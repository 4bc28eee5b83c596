"""The command line `beltline`: a command a file in `commands/`."""
