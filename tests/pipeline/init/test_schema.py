import math

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.pipeline.init.inference import infer_project
from beltline.pipeline.init.schema import least_presence, schema_text

ROWS = 400


def drafted(folder, label, **columns):
    """The schema for a CSV file of the columns, parsed: features and domains by name."""
    file = folder / "a.csv"
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    text = schema_text(infer_project([file], label))
    schema = text_format.Parse(text, schema_pb2.Schema())
    features = {feature.name: feature for feature in schema.feature}
    domains = {domain.name: list(domain.value) for domain in schema.string_domain}
    return features, domains, text


def test_each_kind_of_feature(tmp_path):
    features, domains, text = drafted(
        tmp_path,
        "scrap",
        scrap=[*["ok", "scrap"] * 199, "scrap", "ok"],
        temp=[i * 0.37 % 11 for i in range(ROWS)],
        hour=[i % 20 for i in range(ROWS)],
        force=[i * 7 % 211 for i in range(ROWS)],
        flag=[0, 1] * 200,
        mold=["Ä 1", "B"] * 200,
        dealer=[f"d{i % 101}" for i in range(ROWS)],
    )
    assert list(features) == ["scrap", "temp", "hour", "force", "flag", "mold", "dealer"]
    assert all((f.value_count.min, f.value_count.max) == (1, 1) for f in features.values())
    types = {name: schema_pb2.FeatureType.Name(f.type) for name, f in features.items()}
    assert types == {
        "scrap": "BYTES",
        "temp": "FLOAT",
        "hour": "INT",
        "force": "FLOAT",
        "flag": "FLOAT",
        "mold": "BYTES",
        "dealer": "BYTES",
    }
    assert features["temp"].float_domain.disallow_inf
    assert [n for n, f in features.items() if f.int_domain.is_categorical] == ["hour"]
    assert domains == {"scrap": ["ok", "scrap"], "mold": ["B", "Ä 1"]}
    assert (features["mold"].domain, features["dealer"].domain) == ("mold", "")
    assert features["mold"].distribution_constraints.min_domain_mass == pytest.approx(0.95)
    assert 'value: "Ä 1"' in text


def test_numbers_that_no_request_could_hold_are_codes(tmp_path):
    hashes = [2**60 + i % 5 for i in range(ROWS)]
    columns = {"y": ["a", "b"] * 200, "hash": hashes, "most": [2**53 - 1 - i % 5 for i in hashes]}
    features, domains, _ = drafted(tmp_path, "y", **columns)
    assert features["hash"].type == schema_pb2.BYTES
    assert not features["hash"].HasField("int_domain")
    assert features["most"].type == schema_pb2.INT
    assert list(domains) == ["y"]


def test_a_class_label_is_text_of_all_its_classes_in_order(tmp_path):
    features, domains, _ = drafted(
        tmp_path, "y", y=[1, 0] * 200, x=[i * 0.37 % 11 for i in range(ROWS)]
    )
    label = features["y"]
    assert label.type == schema_pb2.BYTES
    assert (label.presence.min_fraction, label.distribution_constraints.min_domain_mass) == (1, 1)
    assert domains == {"y": ["0", "1"]}


def test_a_regression_label_is_a_number(tmp_path):
    features, domains, _ = drafted(
        tmp_path, "y", y=[i * 0.7 for i in range(ROWS)], x=["a", "b"] * 200
    )
    assert (features["y"].type, features["y"].presence.min_fraction) == (schema_pb2.FLOAT, 1)
    assert features["y"].float_domain.disallow_inf
    assert list(domains) == ["x"]


def test_rare_values_make_no_domain(tmp_path):
    rare = [f"r{i}" if i < 20 else "usual" for i in range(ROWS)]
    _, domains, _ = drafted(tmp_path, "y", y=["a", "b"] * 200, x=rare, z=["p", "q"] * 200)
    assert "x" not in domains


def test_a_long_domain_has_a_line_per_value(tmp_path):
    values = [f"a rather long name {i}" for i in range(8)]
    _, domains, text = drafted(tmp_path, "y", y=["a", "b"] * 200, x=values * 50)
    assert domains["x"] == values
    assert '  value: "a rather long name 3"\n' in text


@pytest.mark.parametrize(
    ("present", "rows", "least"),
    [(20000, 20000, 0.95), (50, 50, 0.95), (18000, 20000, 0.81), (1350, 1500, 0.73), (30, 400, 0)],
)
def test_least_presence_leaves_room_for_chance(present, rows, least):
    assert least_presence(present, rows) == pytest.approx(least)


def test_a_column_that_may_be_empty_in_a_split_has_no_presence(tmp_path):
    features, _, _ = drafted(
        tmp_path,
        "y",
        y=["a", "b"] * 200,
        most=[i * 0.37 % 11 if i % 10 else "" for i in range(ROWS)],
        few=["" if i % 15 else i / 7 for i in range(ROWS)],
    )
    share = 0.9 - 0.05 - 4.5 * math.sqrt(0.9 * 0.1 / 40)
    assert features["most"].presence.min_fraction == pytest.approx(math.floor(share * 100) / 100)
    assert features["most"].presence.min_count == 1
    assert not features["few"].HasField("presence")
