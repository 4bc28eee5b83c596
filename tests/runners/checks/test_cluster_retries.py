import pytest

from beltline.runners.checks.cluster_retries import check
from beltline.runners.checks.finding import CheckSkipped, Problem
from tests.kubeflow.cluster_objects import config_map

# As Argo has it, and as a site may have written it into the controller's whole configuration.
PLACES = {
    "workflowDefaults": "spec: {{templateDefaults: {}}}",
    "config": "workflowDefaults: {{spec: {{templateDefaults: {}}}}}",
    "templateDefaults": "{}",
}


def found(strategy: str, place: str = "workflowDefaults") -> str:
    return check(config_map("c", "kubeflow", **{place: PLACES[place].format(strategy)}))


@pytest.mark.parametrize("place", PLACES)
def test_replacing_pods_that_are_gone_is_what_is_wanted(place: str) -> None:
    strategy = "{retryStrategy: {limit: 2, retryPolicy: OnError}}"
    assert found(strategy, place) == "OnError: pods that are deleted or evicted are started again"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("strategy", "policy"),
    [
        ("{retryStrategy: {limit: 2, retryPolicy: Always}}", "Always"),
        ("{retryStrategy: {limit: 2, retryPolicy: OnFailure}}", "OnFailure"),
        ("{retryStrategy: {limit: 2}}", "OnFailure"),
    ],
)
def test_starting_whole_tasks_again_is_a_problem(place: str, strategy: str, policy: str) -> None:
    with pytest.raises(Problem, match=f"Argo's default retry strategy is {policy}") as error:
        found(strategy, place)
    assert "set `retryPolicy: OnError`" in error.value.fix


@pytest.mark.parametrize("strategy", ["{}", "{podSpecPatch: x}", "null"])
def test_without_a_default_the_package_decides(strategy: str) -> None:
    assert found(strategy) == "no default of Argo's: the package's policy"
    assert check(config_map("c", "kubeflow")) == "no default of Argo's: the package's policy"


def test_what_is_not_there_or_not_yaml_is_not_checked() -> None:
    with pytest.raises(CheckSkipped, match="not found"):
        check(None)
    with pytest.raises(CheckSkipped, match="is not YAML"):
        check(config_map("c", "kubeflow", workflowDefaults="{"))
