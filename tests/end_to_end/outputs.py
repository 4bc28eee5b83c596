"""What a run has made, in a form in which two runs can be compared."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.projects import SEEDED, Project

DATA_NODES = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")


def direct_root(project: Project) -> Path:
    """The root of a run whose nodes process their rows in their own processes."""
    result = project("run", *SEEDED)
    assert result.code == 0, result.text
    return project.root


def artifact(root: Path, node: str, key: str, first: bool = False) -> Path:
    """The folder of a node's latest output, or of its first one."""
    pick = min if first else max
    return pick((root / "artifacts" / node / key).iterdir(), key=lambda path: int(path.name))


def records(folder: Path) -> dict[str, list[object]]:
    import tensorflow as tf

    return {
        split.name: [
            # The order of an Example's features in a file is of no meaning.
            tf.train.Example.FromString(record.numpy())
            for file in sorted(split.iterdir())
            for record in tf.data.TFRecordDataset(str(file), "GZIP")
        ]
        for split in sorted(folder.iterdir())
    }


def vocabularies(folder: Path) -> dict[str, str]:
    assets = folder / "transform_fn" / "assets"
    return {file.name: file.read_text() for file in assets.iterdir()}


def statistics(folder: Path) -> dict[str, dict[str, float]]:
    """What TFDV has counted; without sketches, whose bounds differ by the order of merging."""
    from google.protobuf import json_format
    from tensorflow_metadata.proto.v0 import statistics_pb2

    kept = {}
    for file in folder.glob("Split-*/FeatureStats.pb"):
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
        for feature in json_format.MessageToDict(found)["datasets"][0]["features"]:
            kind = next(name for name in feature if name.endswith("Stats"))
            values = {
                # Whole numbers are texts in JSON.
                key: float(value)
                for key, value in feature[kind].items()
                if isinstance(value, int | float | str) and key != "median"
            }
            values["present"] = float(feature[kind]["commonStats"].get("numNonMissing", 0))
            kept[f"{file.parent.name} {feature['path']}"] = values
    return kept


def evaluation(folder: Path) -> dict[str, float]:
    """Each metric of each slice that is a number."""
    import tensorflow_model_analysis as tfma

    return {
        f"{slice_key} {name}": float(value["doubleValue"])
        for slice_key, outputs in tfma.load_eval_result(str(folder)).slicing_metrics
        for sub_keys in outputs.values()
        for metrics in sub_keys.values()
        for name, value in metrics.items()
        if "doubleValue" in value
    }


def metrics(root: Path) -> dict[str, object]:
    card = root / "served" / "casting" / "1" / "assets.extra" / "version.json"
    return json.loads(card.read_text())["metrics"]


def assert_same(node: str, one: Path, other: Path, first: bool = False) -> None:
    """Compares what a node of two roots has made; of the same root, its `first` and its latest."""

    def both(key: str) -> tuple[Path, Path]:
        return artifact(one, node, key, first), artifact(other, node, key)

    if node == "ExampleGen":
        expected, found = map(records, both("examples"))
        assert found == expected
    elif node == "Transform":
        expected, found = map(vocabularies, both("transform_graph"))
        assert found == expected
        expected, found = map(records, both("transformed_examples"))
        assert found == expected
    else:
        read, key = {
            "StatisticsGen": (statistics, "statistics"),
            "Evaluator": (evaluation, "evaluation"),
        }[node]
        expected, found = map(read, both(key))
        assert expected
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            assert found[name] == pytest.approx(values, rel=1e-6, nan_ok=True), name


def assert_equal(one: Path, other: Path) -> None:
    """Compares two roots' whole runs."""
    for node in DATA_NODES:
        assert_same(node, one, other)
    assert metrics(other) == pytest.approx(metrics(one), rel=1e-6)


def tfma_metrics(folder: Path) -> dict[str, float]:
    """The metrics over all rows in an evaluation, read by TFMA."""
    import tensorflow_model_analysis as tfma

    evaluation = tfma.load_eval_result(str(folder))
    return {
        name: value["doubleValue"]
        for output in ("probability", "decision")
        for name, value in evaluation.get_metrics_for_slice((), output_name=output).items()
        if "doubleValue" in value
    }
