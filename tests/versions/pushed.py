"""Models to push, and what a folder of versions holds after it; a death at any step."""

import json
import os
import shutil
import signal
from pathlib import Path

from beltline.storage.url import parse
from beltline.versions.folder import CARD, model_digest

IN_STORE = parse("s3://bucket/served/parts")
"""A place in the object store of the fixture `memory`."""
STEPS = ("open", "mkdir", "fsync", "rename", "replace", "chmod", "close", "write")
FILES = ("saved_model.pb", "variables/variables.index", "assets/words.txt")


def model(folder, content="one", size=1000):
    """Files such as a SavedModel has."""
    for name in FILES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content} {name} " * (size // 20))
    return folder


def numbers(directory):
    return sorted(int(entry.name) for entry in directory.iterdir() if entry.name.isdecimal())


def state(directory):
    """Every version's files with their contents."""
    return {
        file.relative_to(directory).as_posix(): file.read_bytes()
        for number in numbers(directory)
        for file in (directory / str(number)).rglob("*")
        if file.is_file()
    }


def leftovers(directory):
    """What is neither a version nor bookkeeping."""
    known = {".lock", ".last-version", ".last-version.new", "serving.config", "serving.config.new"}
    return [e.name for e in directory.iterdir() if not e.name.isdecimal() and e.name not in known]


def whole(version):
    """Whether a version holds all of one model and the card that belongs to it."""
    card = json.loads((version / CARD).read_text())
    assert card["version"] == int(version.name)
    assert card["digest"] == model_digest(version)
    return {file for file in FILES if (version / file).exists()} == set(FILES)


def die_at(step):
    """Kills this process at the `step`th call that changes the disk, before it is carried out."""
    count = 0

    def counted(call):
        def wrapped(*args, **kwargs):
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return wrapped

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    shutil.copyfile = counted(shutil.copyfile)
    Path.write_text = counted(Path.write_text)
