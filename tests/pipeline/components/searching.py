"""A real Tuner on a small table; run as a program it is a process that can be killed.

`python -m tests.pipeline.components.searching FOLDER CONFIG` searches once, with its outputs in a
new folder, as each attempt of a node has them.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from beltline.runners.node.stopping import stop_on_signals
from tests.models.rows import table, transform


def prepare(folder: Path, custom_config: dict[str, Any], rows: int = 400) -> None:
    """Writes what a Tuner takes: transformed Examples, TF Transform's graph and a schema."""
    splits = {"train": table(rows), "validation": table(rows // 2, seed=1)}
    transform(folder, custom_config, splits)
    (folder / "examples").mkdir()
    for name in splits:
        (folder / "examples" / f"Split-{name}").symlink_to(folder / name)


def search(
    folder: Path, custom_config: dict[str, Any], tuned: Path | None = None, **changes: Any
) -> dict[str, Any]:
    """Runs the component's executor; returns the output artifacts by key, if there are any."""
    from tfx.proto import trainer_pb2
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    from beltline.pipeline.components.tuner import Executor

    def made(kind: Any, uri: Path) -> Any:
        artifact = kind()
        artifact.uri = str(uri)
        return artifact

    examples = made(standard_artifacts.Examples, folder / "examples")
    examples.split_names = '["train", "validation"]'
    attempt = str(len(list((folder / "Tuner" / "best_hyperparameters").glob("*"))))
    outputs = {
        "best_hyperparameters": standard_artifacts.HyperParameters,
        "tuner_results": standard_artifacts.TunerResults,
    }
    given = {key: [made(kind, folder / "Tuner" / key / attempt)] for key, kind in outputs.items()}
    for [artifact] in given.values():
        Path(artifact.uri).mkdir(parents=True)
    splits = {
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["validation"]),
    }
    earlier = [made(standard_artifacts.HyperParameters, tuned)] if tuned else []
    Executor().Do(
        {
            "examples": [examples],
            "transform_graph": [made(standard_artifacts.TransformGraph, folder / "graph")],
            "tuned": earlier,
        },
        given,
        {
            "tuner_fn": "beltline.models.tuning.tuner_fn",
            "custom_config": json.dumps(custom_config),
            "problem": "scrap",
            "code_digest": "c0de",
            **{name: proto_utils.proto_to_json(value) for name, value in splits.items()},
            **changes,
        },
    )
    return {key: artifact for key, artifacts in given.items() for artifact in artifacts}


def trials(artifacts: dict[str, Any]) -> list[dict[str, Any]]:
    """The table of trials."""
    return list(json.loads((Path(artifacts["tuner_results"].uri) / "trials.json").read_text()))


def best(artifacts: dict[str, Any]) -> dict[str, Any]:
    """What `run_fn` gets as `fn_args.hyperparameters`."""
    [file] = Path(artifacts["best_hyperparameters"].uri).iterdir()
    return dict(json.loads(file.read_text()))


def at_work(folder: Path) -> list[dict[str, Any]]:
    """The trials that the search in progress remembers, in KerasTuner's form."""
    for file in folder.glob("Tuner/.system/searches/*/search.json"):
        return list(json.loads(file.read_text())["trials"])
    return []


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("beltline").setLevel(logging.INFO)
    # As the node runner does, so that SIGTERM is an exception in the middle of a trial.
    with stop_on_signals():
        search(Path(sys.argv[1]), json.loads(sys.argv[2]))
