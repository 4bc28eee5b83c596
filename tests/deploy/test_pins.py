"""Images are pinned by digest and actions by commit, as their registries have them now."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy import pins
from tests.image_registry import registry

ROOT = Path(__file__).parents[2]
OLD = "0" * 64


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def actions(tmp_path: Path) -> Path:
    """A folder with the repository of an action that has a tag of either kind."""
    repository = tmp_path / "actions/checkout"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    for number in ("1", "2"):
        git(repository, "commit", "--quiet", "--allow-empty", "-m", number)
        git(repository, "tag", *(["-a", "-m", "two"] if number == "2" else []), f"v{number}.0")
    return tmp_path


def test_an_action_is_pinned_to_the_commit_of_its_tag(actions: Path) -> None:
    first, second = git(actions / "actions/checkout", "rev-list", "--reverse", "HEAD").split()
    old = "0" * 40
    text = f"""
      - uses: actions/checkout@v1.0
      - uses: actions/checkout@{old} # v2.0
      - uses: actions/checkout@v3.0
      - uses: actions/absent@{old} # v1
    uses: ./.github/workflows/test.yml
"""
    skipped: list[str] = []
    assert pins.pinned(text, skipped.append, f"file://{actions}") == (
        text.replace("@v1.0", f"@{first} # v1.0").replace(f"{old} # v2.0", f"{second} # v2.0")
    )
    assert [each.partition(": ")[0] for each in skipped] == [
        "actions/checkout@v3.0",
        "actions/absent@v1",
    ]
    assert "no such tag" in skipped[0] and "not reachable" in skipped[1]


@pytest.mark.slow
def test_an_image_is_pinned_to_the_digest_of_its_index() -> None:
    with registry() as found:
        one = found.push("database", {}, tag="15.20")
        many = found.push_index("serve/all", {"amd64": {}, "arm64": {}}, tag="1")
        text = f"""
          image: {found.host}/database:15.20
ARG BASE_IMAGE={found.host}/serve/all:1@sha256:{OLD}
          image: beltline-serving:0.1.0
          image: {found.host}/absent:1@sha256:{OLD}
          image: 127.0.0.1:1/away:1
"""
        skipped: list[str] = []
        after = pins.pinned(text, skipped.append)
    assert after == text.replace("15.20", f"15.20@{one}").replace(f"1@sha256:{OLD}", f"1@{many}", 1)
    assert [each.split("/")[1].partition(":")[0] for each in skipped] == ["absent", "away"]
    assert "not found" in skipped[0] and "not reachable" in skipped[1]


def test_every_image_and_action_is_in_a_form_that_is_renewed() -> None:
    """An action must be pinned; an image may be, as `make pins` writes it."""
    named, actions = [], []
    for file in pins.files(ROOT):
        text = file.read_text()
        named += re.findall(r"^\s*image: (.+)$|^ARG BASE_IMAGE=(.+)$", text, re.MULTILINE)
        actions += re.findall(r"\buses: (?!\./)(.+)$", text, re.MULTILINE)
        assert len(pins._ACTION.findall(text)) == len(re.findall(r"\buses: (?!\./)", text))
        lines = [
            line for line in text.splitlines() if re.match(r"\s*image: |ARG BASE_IMAGE=", line)
        ]
        assert all(pins._IMAGE.match(line) for line in lines)
    assert len(named) > 8 < len(actions)
    assert all(
        re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in actions
    )
