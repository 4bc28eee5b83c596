"""Real statistics and anomalies of TFDV for small tables, through the executors that TFX runs."""

from pathlib import Path

import pyarrow as pa
import pytest

# TFX before TFDV: it puts a module there that this tfx-bsl no longer has.
from tfx.components.example_validator import executor as example_validator  # isort: skip
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, standard_artifacts

from beltline.base.errors import GateRefused
from beltline.pipeline.components import data_gate
from beltline.pipeline.components.curated_schema import Executor as SchemaExecutor
from beltline.pipeline.components.data_gate import blocking
from tests.pipeline.components.small import SCHEMA

ROWS = 40


def table(rows=ROWS, **changed):
    """Columns that fit the schema, some of them changed; None takes a column away."""
    columns = {
        "temp": [200 + i / 7 for i in range(rows)],
        "hour": [i % 5 for i in range(rows)],
        "mold": ["AB"[i % 2] for i in range(rows)],
        "scrap": ["scrap" if i % 3 == 0 else "ok" for i in range(rows)],
    }
    return {name: values for name, values in {**columns, **changed}.items() if values is not None}


def some(values, count, instead):
    """The first `count` values replaced."""
    return [instead] * count + list(values)[count:]


def statistics_of(columns):
    arrays = [
        pa.array(
            [None if v is None else [v.encode() if isinstance(v, str) else v] for v in values],
            type=None if values else pa.list_(pa.float32()),
        )
        for values in columns.values()
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())


def artifact(kind, folder, splits=None):
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if splits:
        made.split_names = artifact_utils.encode_split_names(list(splits))
    return made


def gate(folder, schema=SCHEMA, label="scrap", classes=2, exclude="null", **splits):
    """Runs schema, ExampleValidator and the gate; returns the folder of what passed."""
    splits = splits or {"train": table()}
    statistics = artifact(standard_artifacts.ExampleStatistics, folder / "statistics", splits)
    for split, columns in splits.items():
        file = Path(artifact_utils.get_split_uri([statistics], split)) / "FeatureStats.pb"
        file.parent.mkdir(parents=True)
        file.write_bytes(statistics_of(columns).SerializeToString())
    written = artifact(standard_artifacts.Schema, folder / "schema")
    SchemaExecutor().Do({}, {"schema": [written]}, {"text": schema})
    anomalies = artifact(standard_artifacts.ExampleAnomalies, folder / "anomalies")
    example_validator.Executor().Do(
        {"statistics": [statistics], "schema": [written]},
        {"anomalies": [anomalies]},
        {"exclude_splits": exclude},
    )
    passed = artifact(standard_artifacts.ExampleAnomalies, folder / "passed")
    data_gate.Executor().Do(
        {"statistics": [statistics], "anomalies": [anomalies]},
        {"passed": [passed]},
        {"label": label, "classes": classes, "code_digest": ""},
    )
    return passed


def refused(folder, **case):
    with pytest.raises(GateRefused) as caught:
        gate(folder, **case)
    return str(caught.value).splitlines()


def test_data_like_the_schema_pass(tmp_path):
    passed = gate(tmp_path, train=table(), eval=table(20))
    assert artifact_utils.decode_split_names(passed.split_names) == ["train", "eval"]
    for split in ("train", "eval"):
        assert (tmp_path / "passed" / f"Split-{split}" / "SchemaDiff.txtpb").exists()


TEMP = table()["temp"]
MOLD = table()["mold"]
NO_PRESENCE = SCHEMA.replace(" presence { min_fraction: 0.9 min_count: 1 }", "")

CASES = {
    "new column": (
        {"new": [1.0] * ROWS},
        "'new': New column: New column (column in data but not in schema) [SCHEMA_NEW_COLUMN]",
        SCHEMA + 'feature { name: "new" type: FLOAT }',
    ),
    "missing column": (
        {"temp": None},
        "'temp': Column dropped: Column is completely missing [SCHEMA_MISSING_COLUMN]",
        SCHEMA.replace('name: "temp"', 'name: "temp" lifecycle_stage: DEPRECATED'),
    ),
    "text among numbers": (
        {"temp": ["x"] * ROWS},
        "'temp': Unexpected data type: Expected data of type: FLOAT but got STRING",
        SCHEMA.replace("FLOAT", "BYTES").replace("float_domain { disallow_inf: true }", ""),
    ),
    "fractions among integers": (
        {"hour": [0.5] * ROWS},
        "'hour': Unexpected data type: Expected data of type: INT but got FLOAT",
        SCHEMA.replace("type: INT", "type: FLOAT").replace(
            "int_domain { is_categorical: true }", ""
        ),
    ),
    "too many missing values": (
        {"temp": some(TEMP, 10, None)},
        "'temp': Column dropped: The feature was present in fewer examples than expected: minimum "
        "fraction = 0.900000, actual = 0.750000 [FEATURE_TYPE_LOW_FRACTION_PRESENT]",
        SCHEMA.replace("min_fraction: 0.9", "min_fraction: 0.7"),
    ),
    "unseen categories": (
        {"mold": some(MOLD, 10, "C")},
        "'mold': Unexpected string values: Examples contain values missing from the schema: C (~25",
        SCHEMA.replace("min_domain_mass: 0.9", "min_domain_mass: 0.7"),
    ),
    "infinity": (
        {"temp": some(TEMP, 1, float("inf"))},
        "'temp': Invalid values: Float feature has Inf values. [FLOAT_TYPE_HAS_INF]",
        SCHEMA.replace("disallow_inf: true", ""),
    ),
    "out of range": (
        {"temp": some(TEMP, 1, 1e6)},
        "'temp': Out-of-range values: Unexpectedly high value: 1e+06>300",
        SCHEMA.replace("disallow_inf: true", "max: 2000000"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_anomaly_is_refused_by_name_until_the_schema_allows_it(tmp_path, case):
    changed, message, allowing = CASES[case]
    schema = SCHEMA.replace("disallow_inf: true", "disallow_inf: true max: 300")
    columns = table(**changed)
    lines = refused(tmp_path / "a", schema=schema, train=table(), eval=columns)
    assert any(line.startswith(message) and line.endswith("(in eval)") for line in lines)
    assert len({line.split(":")[0] for line in lines}) == 1
    gate(tmp_path / "b", schema=allowing, train=columns)


def test_few_unseen_categories_and_few_missing_values_pass(tmp_path):
    gate(tmp_path, train=table(mold=some(MOLD, 3, "C"), temp=some(TEMP, 3, None)))


def test_the_share_of_unseen_categories_goes_by_the_rows(tmp_path):
    assert "mold" in refused(tmp_path, train=table(mold=some(MOLD, 5, "C")))[0]


def test_a_column_without_presence_may_not_be_missing_altogether(tmp_path):
    """TFDV says nothing here."""
    gone, empty = table(temp=None), table(temp=[None] * ROWS)
    lines = refused(tmp_path / "a", schema=NO_PRESENCE, train=gone, eval=empty)
    assert lines == [
        "'temp': the column has no value in any row (`lifecycle_stage: DEPRECATED` in the schema "
        "allows it) (in train, eval)"
    ]
    deprecated = NO_PRESENCE.replace('name: "temp"', 'name: "temp" lifecycle_stage: DEPRECATED')
    gate(tmp_path / "b", schema=deprecated, train=gone)
    # A rare value may be in one split only.
    gate(tmp_path / "c", schema=NO_PRESENCE, train=table(temp=[None] * 39 + [1.0]), eval=gone)


def test_the_same_reason_in_several_splits_is_said_once(tmp_path):
    lines = refused(tmp_path, train=table(new=[1] * ROWS), eval=table(new=[1] * ROWS))
    assert len(lines) == 1
    assert lines[0].endswith("(in train, eval)")


def test_the_same_reason_with_other_numbers_is_said_once(tmp_path):
    lines = refused(
        tmp_path, train=table(temp=some(TEMP, 10, None)), eval=table(temp=some(TEMP, 20, None))
    )
    assert len(lines) == 1
    assert "actual = 0.750000" in lines[0] and lines[0].endswith("(in train, eval)")


def test_a_column_is_named_as_in_the_data(tmp_path):
    lines = refused(tmp_path, train=table(**{"Druck (bar)": [1.0] * ROWS}))
    assert lines[0].startswith("'Druck (bar)': New column")


def test_many_reasons_are_cut_short(tmp_path):
    lines = refused(tmp_path, train=table(**{f"new{i}": [1] * ROWS for i in range(20)}))
    assert len(lines) == 13
    assert lines[-1] == "and 8 more"


FREE_LABEL = SCHEMA.replace('domain: "scrap" presence { min_fraction: 1 min_count: 1 }', "")


@pytest.mark.parametrize("schema", [SCHEMA, FREE_LABEL.replace("min_domain_mass: 1 ", "")])
def test_rows_without_a_label_are_refused_whatever_the_schema_says(tmp_path, schema):
    lines = refused(tmp_path, schema=schema, train=table(scrap=some(table()["scrap"], 1, None)))
    assert (
        "'scrap': the label is missing in some rows (`data.unlabelled: drop` leaves them out) "
        "(in train)" in lines
    )


def test_a_label_that_is_missing_everywhere(tmp_path):
    for name, scrap in (("a", None), ("b", [None] * ROWS)):
        lines = refused(tmp_path / name, schema=FREE_LABEL, train=table(scrap=scrap))
        assert "'scrap': the label is missing in every row (in train)" in lines


def test_one_class_is_no_label(tmp_path):
    only = table(scrap=["ok"] * ROWS)
    assert refused(tmp_path / "a", train=table(), validation=only) == [
        "'scrap': the label has one class only (in validation)"
    ]
    # A regression has no classes, so one value in a split says nothing.
    gate(tmp_path / "b", label="temp", classes=0, train=table(temp=[1.0] * ROWS))


def test_a_class_that_the_schema_lacks(tmp_path):
    lines = refused(tmp_path, train=table(scrap=some(table()["scrap"], 1, "maybe")))
    assert "values missing from the schema: maybe" in lines[0]


def test_an_empty_split(tmp_path):
    lines = refused(tmp_path, train=table(), eval=table(0))
    assert "the split has no rows: give it a larger share, or more data (in eval)" in lines


def test_too_few_rows_where_the_schema_counts_them(tmp_path):
    schema = SCHEMA + "dataset_constraints { min_examples_count: 100 }"
    assert refused(tmp_path, schema=schema)[0].startswith("the data: ")


def test_a_split_that_nobody_validated_does_not_pass(tmp_path):
    with pytest.raises(ValueError, match="eval"):
        gate(tmp_path, exclude='["eval"]', train=table(), eval=table())


def test_only_a_warning_does_not_block():
    anomalies = anomalies_pb2.Anomalies()
    for severity in (0, 1, 2):
        info = anomalies.anomaly_info[f"s{severity}"]
        info.severity = severity
        info.short_description = "odd"
    names = dict(anomalies_pb2.AnomalyInfo.Severity.items())
    assert names["WARNING"] == 1
    assert [each.line.split(":")[0] for each in blocking(anomalies)] == ["'s0'", "'s2'"]
