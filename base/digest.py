"""Digests: SHA-256 of names and contents, identical on every machine."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

# What sets apart builds of one library: `tensorflow[and-cuda]==`, `tensorflow-cpu==`.
_BUILD = re.compile(r"\[.*\]|(?<=^tensorflow)-cpu(?===)")


def of_parts(parts: Mapping[str, bytes]) -> str:
    """Returns the hex digest of named contents; their order and the files' age don't matter."""
    whole = hashlib.sha256()
    for name in sorted(parts):
        whole.update(f"{name}\0{len(parts[name])}\0".encode())
        whole.update(parts[name])
    return whole.hexdigest()


def of_lock(text: str) -> str:
    """Returns the digest of a requirements lock: its pinned versions, without the comments.

    The CUDA libraries are left out, and TensorFlow is the same with and without its CUDA kernels:
    a bundle compiled on a laptop runs on a machine with a GPU.
    """
    lines = [line.split(" ")[0].strip() for line in text.splitlines()]
    pins = [_BUILD.sub("", line) for line in lines if re.match(r"[A-Za-z].*==", line)]
    return of_parts({pin: b"" for pin in pins if not pin.startswith("nvidia-")})


def source_files(*packages: Path) -> dict[str, bytes]:
    """Returns the Python sources of packages (folders, or modules), by path from their parents."""
    return {
        path.relative_to(package.parent).as_posix(): path.read_bytes()
        for package in packages
        for path in ([package] if package.is_file() else sorted(package.rglob("*.py")))
        if "__pycache__" not in path.parts
    }
