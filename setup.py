"""Installs `beltline` as pyproject.toml says; Beam's `--setup_file` asks for this file."""

from setuptools import setup

setup()
