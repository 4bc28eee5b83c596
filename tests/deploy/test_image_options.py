"""What `deploy/image.sh` hands to Docker, by a client that keeps what it is called with."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = """#!/bin/sh
case "$*" in *--help*) echo --secret; exit ;; esac
printf '%s\\n' "$@" >"$KEPT"
env >>"$KEPT"
"""


def test_a_proxy_is_for_apt_too(tmp_path: Path) -> None:
    client, kept = tmp_path / "docker", tmp_path / "kept"
    client.write_text(CLIENT)
    client.chmod(0o755)
    names = [name for name in os.environ if name.lower().endswith("_proxy")]
    environment = {name: value for name, value in os.environ.items() if name not in names} | {
        "DOCKER": str(client),
        "KEPT": str(kept),
        "HTTP_PROXY": "http://user:secret@proxy:3128",
    }
    done = subprocess.run(["sh", ROOT / "deploy/image.sh"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    lines = kept.read_text().splitlines()
    # By name: an argument's value can be read by everyone on the machine.
    assert [name for name in lines if name.lower() == "http_proxy"] == ["HTTP_PROXY", "http_proxy"]
    assert "http_proxy=http://user:secret@proxy:3128" in lines
    assert not any(line.lower().startswith(("https_proxy", "no_proxy")) for line in lines)
