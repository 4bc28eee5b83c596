"""`serving.config` beside the versions: TensorFlow Serving's configuration of the live version.

By default TensorFlow Serving serves the highest number, whatever was promoted. With the options
`--model_config_file=<folder>/serving.config` and `--model_config_file_poll_wait_seconds=5` it
follows pushes, promotions and rollbacks. The file has the folder's absolute path: pods and workers
that share it must mount it at the same path.
"""

from pathlib import Path

from beltline.base.files import put, stage

CONFIG = "serving.config"


def follow(folder: Path, live: int) -> None:
    """Configures the live version; the caller holds the folder's lock."""
    prepare(folder, live)
    commit(folder)


def heal(folder: Path, live: int) -> None:
    """Configures the live version if another one is; the caller holds the folder's lock."""
    try:
        found = (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, ValueError):
        found = ""
    if found != _text(folder, live):
        follow(folder, live)


def prepare(folder: Path, live: int) -> None:
    """Writes what `commit` will publish; a full disk shows here."""
    stage(folder / CONFIG, _text(folder, live))


def commit(folder: Path) -> None:
    """Publishes what was prepared."""
    put(folder / CONFIG)


def _text(folder: Path, live: int) -> str:
    # Reading which version is live needs no protobuf.
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2 as config_pb2

    config = config_pb2.ModelServerConfig()
    model = config.model_config_list.config.add(
        name=folder.name, base_path=str(folder.absolute()), model_platform="tensorflow"
    )
    model.model_version_policy.specific.versions.append(live)
    return str(text_format.MessageToString(config))
