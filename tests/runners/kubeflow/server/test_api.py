"""Calls of Kubeflow's API: what is sent, and which error a response becomes."""

import socket

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.kubeflow.server.api import (
    KUBEFLOW,
    TOKEN,
    ApiError,
    ApiUnreachable,
    KubeflowApi,
)
from tests.kubeflow.stub import Answer

SECRET = "bearer-of-the-secret"  # noqa: S105 - it opens nothing


def test_the_environment_says_where_it_is(monkeypatch):
    monkeypatch.delenv(KUBEFLOW, raising=False)
    assert KubeflowApi.from_environment().url == "http://127.0.0.1:8888"
    monkeypatch.setenv(KUBEFLOW, "https://kubeflow.example.com/pipeline/")
    assert KubeflowApi.from_environment().url == "https://kubeflow.example.com/pipeline"
    assert KubeflowApi.from_environment("http://other:1").url == "http://other:1"


@pytest.mark.parametrize("url", ["kubeflow:8888", "ftp://kubeflow", "http://", "http://[bad"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(WrongInput, match=r"must be http://HOST:PORT"):
        KubeflowApi(url)


def test_a_password_in_the_address_is_refused_and_not_shown():
    with pytest.raises(WrongInput) as error:
        KubeflowApi("http://me:hunter2@kubeflow:80")
    assert TOKEN in str(error.value)
    assert "hunter2" not in str(error.value)


def test_health(kubeflow):
    health = KubeflowApi(kubeflow.url).health()
    assert (health.version, health.multi_user) == ("2.17.0", False)
    kubeflow.multi_user = True
    assert KubeflowApi(kubeflow.url).health().multi_user


@pytest.mark.parametrize("multi_user", [False, True])
def test_a_pipeline_and_an_experiment_are_made_once(kubeflow, multi_user):
    kubeflow.multi_user = multi_user
    first, second = (KubeflowApi(kubeflow.url, namespace="team-a") for _ in range(2))
    assert first.pipeline("line") == second.pipeline("line")
    assert first.experiment("nightly") == second.experiment("nightly")
    [pipeline], [experiment] = kubeflow.pipelines, kubeflow.experiments
    owner = "team-a" if multi_user else None
    assert (pipeline["display_name"], pipeline.get("namespace")) == ("line", owner)
    assert (experiment["display_name"], experiment.get("namespace")) == ("nightly", owner)


def test_what_somebody_else_made_meanwhile_is_taken(kubeflow, monkeypatch):
    api = KubeflowApi(kubeflow.url)
    there = api.experiment("nightly")
    listed = kubeflow._experiment_service_list_experiments
    answers = [{}]

    def late(query, body):
        return answers.pop() if answers else listed(query, body)

    monkeypatch.setattr(kubeflow, "_experiment_service_list_experiments", late, raising=False)
    assert api.experiment("nightly") == there
    assert len(kubeflow.experiments) == 1


def test_the_token_is_sent_with_every_request(kubeflow):
    kubeflow.token = SECRET
    api = KubeflowApi(kubeflow.url, SECRET)
    api.health()
    api.pipeline("line")
    api.experiment("nightly")
    assert kubeflow.tokens == {f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, f"no {SECRET}", "text/plain"),
        Answer(403, f"Bearer {SECRET} may not"),
        Answer(302, "", "text/plain"),
        Answer(200, f"<html>{SECRET}: log in</html>", "text/html"),
    ],
    ids=["401", "403", "way to a login", "page of a login"],
)
@pytest.mark.parametrize("call", ["health", "run"])
def test_a_login_is_asked_for_and_the_token_never_shown(kubeflow, answer, call):
    kubeflow.always = answer
    api = KubeflowApi(kubeflow.url, SECRET)
    with pytest.raises(ApiError) as error:
        api.health() if call == "health" else api.run("1")
    assert f"set {TOKEN} to a valid token" in str(error.value)
    assert kubeflow.url in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, "404 page not found", "text/plain"),
        Answer(200, "hello", "text/plain"),
    ],
    ids=["Kubeflow 1", "something else"],
)
def test_what_is_no_kubeflow_2_is_told(kubeflow, answer):
    kubeflow.always = answer
    with pytest.raises(ApiError, match="not Kubeflow Pipelines 2"):
        KubeflowApi(kubeflow.url).health()


def test_an_answer_that_the_client_cannot_read_is_told(kubeflow):
    kubeflow.always = Answer(200, "[]", "text/plain")
    with pytest.raises(ApiError, match="not Kubeflow Pipelines 2"):
        KubeflowApi(kubeflow.url).run("1")


def test_what_kubeflow_says_is_shown(kubeflow):
    kubeflow.refuses["pipeline_service_create_pipeline"] = Answer(400, "the name\nis too long")
    with pytest.raises(ApiError, match=r"rejected the request \(400\): the name is too long"):
        KubeflowApi(kubeflow.url).pipeline("line")


def test_a_gateway_without_a_server_is_a_lost_connection(kubeflow):
    kubeflow.always = Answer(503, "no healthy upstream", "text/plain")
    with pytest.raises(ApiUnreachable, match="503 no healthy upstream"):
        KubeflowApi(kubeflow.url).run("1")


def test_nobody_there():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ApiUnreachable, match=f"{url} is not reachable") as error:
        KubeflowApi(url, SECRET).health()
    assert KUBEFLOW in str(error.value)
    assert SECRET not in str(error.value)


def test_something_that_speaks_no_tls(kubeflow):
    with pytest.raises(ApiUnreachable, match="is not reachable"):
        KubeflowApi(kubeflow.url.replace("http:", "https:")).health()


def test_a_lost_request_is_not_sent_twice(kubeflow):
    kubeflow.lost["pipeline_service_create_pipeline"] = 1
    with pytest.raises(ApiUnreachable):
        KubeflowApi(kubeflow.url).pipeline("line")
    assert kubeflow.asked.count("pipeline_service_create_pipeline") == 1
