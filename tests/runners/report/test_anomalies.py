from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo

from beltline.runners.report.anomalies import anomalies_in


def write(folder, split, anomalies):
    (folder / f"Split-{split}").mkdir()
    file = folder / f"Split-{split}" / "SchemaDiff.pb"
    file.write_bytes(anomalies.SerializeToString())
    return file


def anomaly(found, column, severity, *reasons):
    info = found.anomaly_info[column]
    info.severity = severity
    for short, text in reasons:
        info.reason.add(short_description=short, description=text)


def test_the_reasons_of_each_column_with_their_splits(tmp_path):
    first, second = Anomalies(), Anomalies()
    new = ("Unexpected values", "new: <M09>.")
    anomaly(first, "mold", AnomalyInfo.ERROR, new, ("Too many", "9 are."))
    anomaly(first, "heat", AnomalyInfo.WARNING, ("Skew", "0.2 apart."))
    anomaly(second, "mold", AnomalyInfo.ERROR, new)
    write(tmp_path, "eval", second)
    write(tmp_path, "train", first)
    assert anomalies_in(tmp_path) == [
        {
            "column": "mold",
            "what": "Unexpected values: new: <M09>",
            "blocks": True,
            "splits": ["eval", "train"],
        },
        {"column": "mold", "what": "Too many: 9 are", "blocks": True, "splits": ["train"]},
        {"column": "heat", "what": "Skew: 0.2 apart", "blocks": False, "splits": ["train"]},
    ]


def test_a_column_is_named_as_in_the_data(tmp_path):
    found = Anomalies()
    # As TFDV has it.
    found.anomaly_info["'Druck (bar)'"].path.step.append("Druck (bar)")
    write(tmp_path, "train", found)
    assert [each["column"] for each in anomalies_in(tmp_path)] == ["Druck (bar)"]


def test_an_anomaly_without_reasons_says_what_it_says_itself(tmp_path):
    found = Anomalies()
    found.anomaly_info["mold"].short_description = "Column dropped"
    found.anomaly_info["heat"].severity = AnomalyInfo.ERROR
    found.dataset_anomaly_info.short_description = "Low num examples"
    write(tmp_path, "train", found)
    told = {each["column"]: each["what"] for each in anomalies_in(tmp_path)}
    assert told == {
        "mold": "Column dropped",
        "heat": "anomalous",
        "(all columns)": "Low num examples",
    }


def test_nothing_found_and_nothing_readable(tmp_path):
    assert anomalies_in(tmp_path) == []
    write(tmp_path, "train", Anomalies()).write_bytes(b"\xff\xff")
    assert anomalies_in(tmp_path) == []
