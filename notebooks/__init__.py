"""The notebooks that `beltline notebook` copies into a project; see docs/notebooks.md."""
