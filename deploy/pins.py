"""Pins images by digest and actions by commit, where their registries can be reached (`make pins`).

An image is written `NAME:TAG@DIGEST`, an action `OWNER/NAME@COMMIT # TAG`: the tag says what a
person chose, the digest what is run. The tags stay as they are; a newer one is chosen by hand.
What can't be reached keeps its pin, or its lack of one, and is reported: the exit code is then 1.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from beltline.runners.checks.finding import CheckSkipped, Problem
from beltline.runners.checks.registry import ImageName, digest

ROOT = Path(__file__).parents[1]
_GITHUB = "https://github.com"
_IMAGE = re.compile(
    r"(?P<before>^\s*image: |^ARG BASE_IMAGE=)"
    r"(?P<name>[\w./:-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?$",
    re.MULTILINE,
)
# What `make image` builds has no digest before it is built.
_OURS = re.compile(r"beltline(-serving)?:")
_ACTION = re.compile(
    r"(?P<before>\buses: )(?P<name>[\w-]+/[\w-]+)@(?:[0-9a-f]{40} # )?(?P<tag>v[\w.]+)$",
    re.MULTILINE,
)


def files(root: Path) -> list[Path]:
    """Returns the files that name images and actions."""
    manifests = (root / "deploy/kubernetes").rglob("*.yaml")
    workflows = (root / ".github/workflows").glob("*.yml")
    return sorted([root / "deploy/Dockerfile", *manifests, *workflows])


def pinned(text: str, skipped: Callable[[str], None], github: str = _GITHUB) -> str:
    """Returns the text with the digests and commits that its tags have now.

    Args:
      text: of a Dockerfile, a manifest or a workflow.
      skipped: is called with a reason for each tag that can't be looked up.
      github: the URL below which the actions' repositories are.
    """

    def image(found: re.Match[str]) -> str:
        if _OURS.match(found["name"]):
            return found[0]
        try:
            return f"{found['before']}{found['name']}@{digest(ImageName.read(found['name']))}"
        except (CheckSkipped, Problem, requests.RequestException) as error:
            skipped(f"{found['name']}: {error}")
            return found[0]

    def action(found: re.Match[str]) -> str:
        try:
            commit = _commit(f"{github}/{found['name']}", found["tag"])
        except LookupError as error:
            skipped(f"{found['name']}@{found['tag']}: {error}")
            return found[0]
        return f"{found['before']}{found['name']}@{commit} # {found['tag']}"

    return _ACTION.sub(action, _IMAGE.sub(image, text))


def _commit(url: str, tag: str) -> str:
    """Returns the commit that a tag of a repository names.

    Raises:
      LookupError: it has no such tag, or can't be reached.
    """
    # An annotated tag is an object of its own; the commit follows as `^{}`.
    command = ["git", "ls-remote", "--exit-code", url, f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        raise LookupError(f"{url} does not answer") from None
    if done.returncode == 2:
        raise LookupError(f"{url} has no such tag")
    if done.returncode:
        raise LookupError(f"{url} is not reachable: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split("\n")[-2].split("\t")[0]


def main() -> None:
    """Pins all that can be reached; says what could not, and exits with 1 then."""
    reasons: list[str] = []
    for file in files(ROOT):
        before = file.read_text()
        after = pinned(before, reasons.append)
        if after != before:
            file.write_text(after)
            print(f"renewed the pins in {file.relative_to(ROOT)}")
    for reason in dict.fromkeys(reasons):
        print(f"beltline pins: left as it is: {reason}", file=sys.stderr)
    sys.exit(1 if reasons else 0)


if __name__ == "__main__":
    main()
