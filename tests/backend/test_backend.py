"""What `check` and `submit` do with Kubeflow Pipelines' own backend, of the version of KUBEFLOW."""

import json
import os
import re
import time

import pytest
import requests

from tests.backend.conftest import NAMESPACE, Backend
from tests.cluster.waiting import until
from tests.end_to_end.projects import NODES, states

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

# The line with the address of the run.
_PAGE = re.compile(r"/runs/details/(\S+)")
SCHEDULED = "kubeflow.schedule='*/2 * * * *'"


def test_every_check_passes(backend: Backend) -> None:
    result = backend("check", "kubeflow", "--json")
    found = {each["check"]: each for each in json.loads(result.out)}
    assert [name for name, each in found.items() if each["ok"] is False] == [], result.text
    assert os.environ["KUBEFLOW"] in found["kubeflow"]["text"]


def test_a_run_is_followed_to_a_served_version(backend: Backend) -> None:
    began = time.monotonic()
    result = backend("submit", "kubeflow")
    assert result.code == 0, result.text
    assert states(result) == dict.fromkeys(NODES, "done")
    assert "served: version 1" in result.out
    assert (backend.volume / "served/casting/1/saved_model.pb").exists()
    run = _PAGE.search(result.out)[1]
    # Argo would compress it above a mebibyte, and Kubeflow reads no compressed nodes.
    workflow = backend.api.text(f"apis/v1beta1/runs/{run}")
    print(f"{time.monotonic() - began:.0f} s; the run's object has {len(workflow):,} bytes")


def test_a_refusal_ends_with_its_code_and_reason(backend: Backend) -> None:
    result = backend("submit", "kubeflow", "--param", "data_path=later.csv")
    assert result.code == 3, result.text
    assert states(result)["DataGate"] == "refused"
    assert "version 1 stays live" in result.text and "M09" in result.text


def test_a_run_that_is_terminated_is_reported_as_failed(backend: Backend) -> None:
    words = ("submit", "kubeflow", "--force", "Trainer", "--param", "steps=1000000")
    call = backend.project.start(*words, *backend.settings)
    until(lambda: _PAGE.search(call.out) is not None, "the run begins", 300)
    run = _PAGE.search(call.out)[1]
    pods = ("get", "pods", "-l", "beltline/task=nodes", "-o", "jsonpath={.items[*].status.phase}")
    try:
        until(lambda: "Running" in backend.cluster("-n", NAMESPACE, *pods), "its pod runs", 600)
    finally:
        url = f"{backend.api.url}/apis/v2beta1/runs/{run}:terminate"
        assert requests.post(url, timeout=30).ok
    result = call.wait()
    assert result.code == 1, result.text
    until(lambda: "Running" not in backend.cluster("-n", NAMESPACE, *pods), "its pod ends")


def test_a_schedule_starts_runs_by_itself(backend: Backend) -> None:
    result = backend("submit", "kubeflow", "--no-run", "--set", SCHEDULED)
    assert result.code == 0, result.text
    [recurring] = backend.api.recurring_runs("casting")
    try:
        until(lambda: _runs_of(backend, recurring.recurring_run_id) != [], "a run comes", 300)
    finally:
        backend.api.delete_recurring_run(recurring.recurring_run_id)


def _runs_of(backend: Backend, recurring: str) -> list[str]:
    runs = json.loads(backend.api.text("apis/v2beta1/runs", page_size="100")).get("runs", [])
    return [each["run_id"] for each in runs if each.get("recurring_run_id") == recurring]
