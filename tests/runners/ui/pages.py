"""The pages as `beltline ui` serves them, and runs to show."""

import os
import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def started(folder, *arguments):
    """The process of the command and the address that it printed."""
    words = [sys.executable, "-m", "beltline.runners.cli", "ui", "--port", "0", *arguments]
    environment = {name: value for name, value in os.environ.items() if "BELTLINE" not in name}
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, [process.stdout.readline().strip() for _ in range(2)]
    finally:
        process.kill()
        process.communicate()
