"""secret.sh writes new passwords, once, where git doesn't see them; none are committed."""

import re
import stat
import subprocess
from pathlib import Path

from tests.deploy import manifests
from tests.deploy.manifests import DATABASE


def test_passwords_are_written_once(tmp_path: Path) -> None:
    overlay = manifests.copied(tmp_path) / "overlays/example"
    for words in ((), ("oracle",)):
        refused = manifests.secret(overlay, *words)
        assert refused.returncode == 2
        assert "secret.sh mysql or secret.sh postgresql" in refused.stderr
    assert manifests.secret(overlay, "mysql").returncode == 0
    files = [overlay / "metadata.env", overlay / "database.env"]
    written = [file.read_text() for file in files]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    refused = manifests.secret(overlay, "postgresql")
    assert (refused.returncode, "metadata.env is there already" in refused.stderr) == (2, True)
    files[0].unlink()
    refused = manifests.secret(overlay, "mysql")
    assert (refused.returncode, "database.env is there already" in refused.stderr) == (2, True)
    assert (files[0].exists(), files[1].read_text()) == (False, written[1])


def test_passwords_are_long_and_each_another(tmp_path: Path) -> None:
    rendered = manifests.render(manifests.copied(tmp_path) / "overlays/example")
    passwords = list(rendered.secret(DATABASE).values())
    assert len(set(passwords)) == 2
    assert all(re.fullmatch("[0-9a-f]{48}", each) for each in passwords)


def test_secrets_are_written_beside_an_overlay_only(tmp_path: Path) -> None:
    tree = manifests.copied(tmp_path)
    refused = subprocess.run(["sh", "secret.sh", "mysql"], cwd=tree, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "run it in the folder of an overlay" in refused.stderr
    assert not (tree / "metadata.env").exists()


def test_nothing_secret_is_committed(tmp_path: Path) -> None:
    tree = manifests.copied(tmp_path)
    texts = [file.read_text() for file in tree.rglob("*") if file.is_file()]
    assert len(texts) > 12
    for text in texts:
        assert "kind: Secret" not in text
        # A password in an address, but for the one that is computed.
        assert not re.search(r"://\w+:(?!\$own@)[^\s/@]+@", text)
    overlay = tree / "overlays/example"
    assert manifests.secret(overlay, "mysql").returncode == 0
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    done = subprocess.run(["git", "ls-files"], cwd=tree, capture_output=True, text=True, check=True)
    assert "overlays/example/model.yaml" in done.stdout.splitlines()
    assert ".env" not in done.stdout
    assert (overlay / "metadata.env").exists()
