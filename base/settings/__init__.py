"""The sections of `pipeline.yaml` that the server reads too, and what every section is made of.

The pipeline reads the whole file (`pipeline/settings/`); the server and the monitoring are given
these sections as options. Each limit, its default and its description are declared once, here.
"""
