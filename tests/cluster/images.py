"""Images for the node, made without a registry: archives as `docker save` writes them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path


def archive(to: Path, name: str, files: Mapping[str, Path], entrypoint: list[str]) -> None:
    """Writes an image of one layer with these files, each executable.

    Args:
      to: the archive to write.
      name: the image's name with its tag.
      files: what lies where in the image.
      entrypoint: the command that a container runs.
    """
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for path, source in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = source.stat().st_size, 0o755
            with source.open("rb") as content:
                tar.addfile(entry, content)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(to, "w") as tar:
        for path, content in (
            ("config.json", json.dumps(image).encode()),
            ("layer.tar", layer.getvalue()),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
