"""The machine and the versions that figures belong to, in one line."""

import platform
from importlib.metadata import version
from pathlib import Path

import psutil


def describe() -> str:
    """Returns processor, cores, memory, system and versions."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB of memory, "
        f"{_system()}, Python {platform.python_version()}, TFX {version('tfx')}, "
        f"TensorFlow {version('tensorflow')}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _system() -> str:
    return str(platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()))
