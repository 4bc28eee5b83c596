"""What a cluster does to pods: deleted, never begun, out of memory; and what Airflow's users do."""

import time

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from tests.cluster.pods import NAMESPACE, ONCE, Pods
from tests.cluster.waiting import until
from tests.end_to_end.projects import NODES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

# Steps of a training that doesn't end by itself.
LONG = 1_000_000


def test_a_deleted_pod_is_tried_again(pods: Pods, first: str) -> None:
    rest = pods.deployed.airflow.rest
    rest.trigger("casting", "deleted", {"force": ["Trainer"]})
    name = pods.wait_for("Trainer")
    pods.cluster("delete", "-n", NAMESPACE, name, "--grace-period=1")
    assert rest.wait("casting", "deleted") == "success", pods.deployed.story("deleted")
    assert rest.instances("casting", "deleted")["Trainer"]["try_number"] == 2
    states = pods.deployed.executions("deleted")
    assert states["Trainer"] in ("complete", "cached")


def test_an_image_that_is_missing_fails_at_once_and_nothing_is_reconciled(pods: Pods) -> None:
    pods.compile(ONCE, image="beltline.test/missing:1")
    began = time.monotonic()
    assert pods.run("missing")["ExampleGen"] == "failed"
    assert time.monotonic() - began < 60
    assert "the node had not begun" in pods.log("missing", "ExampleGen")
    assert pods.deployed.executions("missing") == {}
    assert pods.of("ExampleGen") == []


def test_a_pod_that_no_machine_can_take_fails_after_its_time_and_says_why(pods: Pods) -> None:
    pods.compile(ONCE, "resources.ExampleGen.memory=4000Gi", startup_minutes=1)
    began = time.monotonic()
    assert pods.run("unschedulable")["ExampleGen"] == "failed"
    assert 60 <= time.monotonic() - began < 180
    log = pods.log("unschedulable", "ExampleGen")
    assert "Insufficient memory" in log
    assert "the node had not begun" in log
    assert "ExampleGen" not in pods.deployed.executions("unschedulable")
    assert pods.of("ExampleGen") == []


def test_a_node_that_runs_out_of_memory_fails_and_says_so(pods: Pods) -> None:
    pods.compile(ONCE, "resources.ExampleGen.memory=400Mi")
    rest = pods.deployed.airflow.rest
    rest.trigger("casting", "memory", {"force": ["ExampleGen"]})
    assert rest.wait("casting", "memory") == "failed"
    assert pods.deployed.tasks("memory")["ExampleGen"] == "failed"
    assert "OOMKilled" in pods.log("memory", "ExampleGen")
    # It may end before its execution begins, while it imports TFX.
    assert pods.deployed.executions("memory").get("ExampleGen", "failed") == "failed"
    assert pods.of("ExampleGen") == []


def test_a_task_that_is_marked_failed_takes_its_pod_along(pods: Pods, first: str) -> None:
    pods.compile(ONCE)
    rest = pods.deployed.airflow.rest
    rest.trigger("casting", "marked", {"force": ["Trainer"], "steps": LONG})
    until(lambda: "Trainer" in pods.deployed.executions("marked"), "the node begins", 300)
    rest.mark("casting", "marked", "Trainer")
    assert rest.wait("casting", "marked") == "failed"
    until(lambda: pods.of("Trainer") == [], "the pod is deleted")
    assert pods.deployed.executions("marked")["Trainer"] == "failed"


def test_a_day_without_data_skips_what_follows(pods: Pods) -> None:
    pods.compile(ONCE, "data.path=span-{SPAN}.csv")
    assert pods.deployed.run("absent", {"span": "7"}) == "success", pods.deployed.story("absent")
    skipped = dict.fromkeys(NODES, "skipped")
    without_data = dict.fromkeys(("Schema", "Champion"), "success")
    assert pods.deployed.tasks("absent") == skipped | without_data
    assert "no data for span 7" in pods.log("absent", "ExampleGen")


def test_a_gate_that_refuses_fails_the_run(pods: Pods) -> None:
    pods.compile(ONCE)
    pyarrow.csv.write_csv(generate(2000, 8, later=True), pods.volume / "later.csv")
    assert pods.deployed.run("later", {"data_path": "later.csv"}) == "failed"
    states = pods.deployed.tasks("later")
    assert states["DataGate"] == "failed" and states["Trainer"] == "upstream_failed"
    assert "M09" in pods.log("later", "DataGate")
