"""The rights of Airflow's workers, where nodes run in pods."""

import re
from typing import Any

import yaml

from tests.deploy.manifests import KUBERNETES

ROLE, BINDING = yaml.safe_load_all((KUBERNETES / "airflow.yaml").read_text())
PAGE = (KUBERNETES.parents[1] / "docs" / "airflow.md").read_text()


def rights() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in ROLE["rules"]:
        assert rule["apiGroups"] == [""]
        found |= {resource: sorted(rule["verbs"]) for resource in rule["resources"]}
    return found


def test_nothing_is_allowed_beyond_pods_their_logs_and_events() -> None:
    pods = sorted(["create", "delete", "get", "list", "patch", "watch"])
    assert rights() == {"pods": pods, "pods/log": ["get"], "events": ["list"]}


def test_the_page_says_the_same() -> None:
    text = " ".join(PAGE.split())
    said = re.search(
        r"in the pods' namespace, (.*?) `pods`, get `pods/log` and list `events`", text
    )
    assert said
    assert sorted(re.findall(r"[a-z]+", said[1].replace(" and ", " "))) == rights()["pods"]


def test_the_role_is_bound_to_one_account() -> None:
    reference: dict[str, Any] = BINDING["roleRef"]
    assert (reference["kind"], reference["name"]) == (ROLE["kind"], ROLE["metadata"]["name"])
    assert [each["kind"] for each in BINDING["subjects"]] == ["ServiceAccount"]
