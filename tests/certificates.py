"""Keys and certificates made with openssl: an authority's, a server's that it signed, another's."""

import shutil
import subprocess
from pathlib import Path


def openssl(*words: str | Path, folder: Path | None = None) -> None:
    """Runs openssl, which must succeed."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> Path:
    """Makes `ca.pem`, `other.pem`, and `server.pem` and `server.key` for 127.0.0.1 in a folder."""
    new = "req -newkey rsa:2048 -nodes"
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for command in (
        f"{new} -x509 -keyout ca.key -out ca.pem -subj /CN=ours",
        f"{new} -x509 -keyout other.key -out other.pem -subj /CN=other",
        f"{new} -keyout server.key -out server.csr -subj /CN=server",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
        "-out server.pem -extfile names",
    ):
        openssl(*command.split(), folder=folder)
    return folder


def hand_over(certificates: Path, folder: Path) -> tuple[Path, Path]:
    """Copies a server's certificate and key into a folder, whose owner alone may read the key."""
    certificate, key = (folder / name for name in ("server.pem", "server.key"))
    shutil.copy(certificates / "server.pem", certificate)
    key.touch(0o600)
    shutil.copyfile(certificates / "server.key", key)
    owner = folder.stat()
    for file in (certificate, key):
        shutil.chown(file, owner.st_uid, owner.st_gid)
    return certificate, key
