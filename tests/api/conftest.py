"""A project of one's own, and a root with runs of several kinds, in a real ML Metadata."""

import json

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

import beltline
from beltline.runners.metadata.store import REASON, REFUSED
from tests.runners.cli.commands.test_models import push_model
from tests.runners.cli.commands.test_report import EXPLAINED, TRAINED, evaluated
from tests.runners.cli.commands.test_runs import record
from tests.runners.projects import Ledger, paths, project
from tests.runners.report.test_statistics import dataset, with_numbers, with_texts

VALUE = "<b>Ü & M9</b>"


@pytest.fixture
def folder(tmp_path):
    # A name that a URL would have to quote.
    folder = tmp_path / "Gießerei 1"
    folder.mkdir()
    project(folder)
    return folder


@pytest.fixture
def ledger(folder):
    return Ledger(paths(folder).metadata)


def statistics(folder):
    made = folder / "statistics"
    for split, rows in (("train", 70), ("eval", 30)):
        (made / f"Split-{split}").mkdir(parents=True)
        found = with_texts(
            with_numbers(dataset(rows), median=1.25), values=(VALUE, "B", *map(str, range(9)))
        )
        every = statistics_pb2.DatasetFeatureStatisticsList(datasets=[found])
        (made / f"Split-{split}/FeatureStats.pb").write_bytes(every.SerializeToString())
    return {"statistics": ("ExampleStatistics", {"uri": str(made)})}


def anomalies(folder):
    made = folder / "anomalies" / "Split-train"
    made.mkdir(parents=True)
    found = anomalies_pb2.Anomalies()
    info = found.anomaly_info["mold"]
    info.severity = anomalies_pb2.AnomalyInfo.ERROR
    info.reason.add(short_description="Unexpected string values", description=f"new: {VALUE}.")
    (made / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    return {"anomalies": ("ExampleAnomalies", {"uri": str(made.parent)})}


@pytest.fixture
def root(folder, ledger):
    """Three runs: one that pushed version 1, one that the data gate refused, one that failed."""
    ledger.run("r1")
    ledger.node("r1", "StatisticsGen", outputs=statistics(folder))
    ledger.node("r1", "ExampleValidator")
    ledger.node("r1", "Trainer", custom_config=TRAINED)
    evaluated(ledger, explanation=json.dumps(EXPLAINED))
    pushed = {"pushed": 1, "pushed_version": "1"}
    ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", pushed)})
    push_model(folder, "r1", auc=0.75, rows=30.0)
    record(folder, "r1", "done", version="1")
    ledger.run("r2")
    ledger.node("r2", "ExampleValidator", outputs=anomalies(folder))
    ledger.node("r2", "DataGate", "FAILED", **{REASON: "mold differs", REFUSED: "yes"})
    record(folder, "r2", "refused")
    ledger.run("r3")
    ledger.node("r3", "Trainer", "FAILED", custom_config=TRAINED.replace("5", "7"))
    record(folder, "r3", "failed")
    return beltline.open(folder / ".beltline")
