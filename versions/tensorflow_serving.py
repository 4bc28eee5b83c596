"""`serving.config` beside the versions: TensorFlow Serving's own way to be told which is live.

By itself TensorFlow Serving serves the highest number, whatever was promoted. With the options
`--model_config_file=<folder>/serving.config` and `--model_config_file_poll_wait_seconds=5` it
follows pushes, promotions and rollbacks. The file names the folder as whoever wrote it sees it:
pods and workers that share it must have it at the same path.
"""

from pathlib import Path

from beltline.base.files import put, stage

CONFIG = "serving.config"


def follow(folder: Path, live: int) -> None:
    """Tells TensorFlow Serving which version is live; the caller holds the folder's lock."""
    prepare(folder, live)
    commit(folder)


def prepare(folder: Path, live: int) -> None:
    """Writes what `commit` will make valid; here a full disk shows."""
    # Whoever only asks which version is live needs no protobuf.
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2 as config_pb2

    config = config_pb2.ModelServerConfig()
    model = config.model_config_list.config.add(
        name=folder.name, base_path=str(folder.absolute()), model_platform="tensorflow"
    )
    model.model_version_policy.specific.versions.append(live)
    stage(folder / CONFIG, text_format.MessageToString(config))


def commit(folder: Path) -> None:
    """Makes valid what was prepared."""
    put(folder / CONFIG)
