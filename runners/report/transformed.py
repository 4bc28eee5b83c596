"""What Transform made of the columns: what each is used as, and the categories that it knows.

The columns are in the node's settings, the categories that it has learnt in a file beside its
graph. What a preprocessing function of the user's own does, only that function can tell.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics as Feature

from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.report.statistics import features_of, of_splits
from beltline.storage import folders

_OURS = "beltline.models.preprocessing.preprocessing_fn"
_LEARNT = "transform_fn/assets/categories"
_MOST_VALUES = 5


def transformed(lineage: Lineage, nodes: Mapping[str, NodeRun]) -> dict[str, Any]:
    """Returns what Transform did in a run; empty where it made no graph.

    `preprocessing_fn` is the function's name; the rest is there for Beltline's own alone. `label`
    has `column`, `task` and `classes`; `numbers` is the encoding of numbers, and
    `out_of_vocabulary_buckets` how many indices the unknown values of a column share. Of each of
    the `columns` there are `column` and `type`; whether it is a `number`; the `parts` that are read
    from it as a time; and `category`, None where it is none, with `values` (how many are known),
    whether they are `listed` in the schema, the first of them (`top`: of learnt ones the most
    frequent), and `unknown`: the share of the eval split's values that aren't among them, None
    where TFDV's statistics don't tell.
    """
    node = nodes.get("Transform")
    graph = node.outputs.get("transform_graph", []) if node else []
    if node is None or not graph:
        return {}
    properties = lineage.properties(node.execution_id)
    name = str(properties.get("preprocessing_fn", ""))
    features = json.loads(properties.get("custom_config") or "{}").get("features")
    if name != _OURS or not features:
        return {"preprocessing_fn": name}
    known = _known(features, graph[0]["uri"])
    counted = _evaluated(nodes.get("StatisticsGen"))
    return {
        "preprocessing_fn": name,
        "label": {key: features[key] for key in ("task", "classes")}
        | {"column": features["label"]},
        "numbers": features["numbers"],
        "out_of_vocabulary_buckets": features["out_of_vocabulary_buckets"],
        "columns": [
            {
                "column": column,
                "type": kind,
                "number": column in features["numeric"],
                "parts": features["timestamps"].get(column, []),
                "category": _category(known[column], column in features["domains"])
                | {"unknown": unknown(counted.get(column), known[column])}
                if column in known
                else None,
            }
            for column, kind in features["columns"].items()
        ],
    }


def unknown(feature: Feature | None, values: Collection[str]) -> float | None:
    """Returns the share of a text column's values that are not among these.

    TFDV ranks the most frequent values alone, and no numbers: None unless it has ranked all.
    """
    if feature is None or feature.WhichOneof("stats") != "string_stats":
        return None
    ranked = feature.string_stats.rank_histogram.buckets
    rows = sum(each.sample_count for each in ranked)
    if not rows or len(ranked) < feature.string_stats.unique:
        return None
    known = set(values)
    return float(sum(each.sample_count for each in ranked if each.label not in known) / rows)


def _category(values: Sequence[str], listed: bool) -> dict[str, Any]:
    return {"values": len(values), "listed": listed, "top": list(values[:_MOST_VALUES])}


def _known(features: Mapping[str, Any], graph: str) -> dict[str, Sequence[str]]:
    """Returns the values of each column that is used as a category."""
    domains = features["domains"]
    learnt = [column for column in features["categorical"] if column not in domains]
    found = _learnt(graph) if learnt else {}
    return {
        column: domains[column] if column in domains else found.get(learnt.index(column), [])
        for column in features["categorical"]
    }


def _learnt(graph: str) -> dict[int, list[str]]:
    """Returns the learnt values by the column's place; the form is `models/vocabulary.py`'s."""
    try:
        text = (folders.local(graph, _LEARNT) / _LEARNT).read_bytes()
    except OSError:
        return {}
    found: dict[int, list[str]] = defaultdict(list)
    for line in text.split(b"\n"):
        place, colon, value = line.partition(b":")
        if colon:
            found[int(place)].append(value.decode(errors="replace"))
    return found


def _evaluated(node: NodeRun | None) -> Mapping[str, Feature]:
    made = node.outputs.get("statistics", []) if node else []
    datasets = of_splits(folders.local(made[0]["uri"])) if made else {}
    return features_of(datasets["eval"]) if "eval" in datasets else {}
