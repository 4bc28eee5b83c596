import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from beltline.runners.ui.forms import FIELD, Forms

FORMS = Forms("secret")


@pytest.fixture(scope="module")
def client():
    answer = FORMS.answering(lambda request, form: JSONResponse(dict(form)))
    return TestClient(Starlette(routes=[Route("/", answer, methods=["POST"])]))


def test_a_form_of_this_server_is_read(client):
    sent = {FIELD: FORMS.proof, "größe": "5 µm + x=1&y", "empty": ""}
    assert client.post("/", data=sent).json() == sent


@pytest.mark.parametrize("proof", ["", "x", "secret", Forms("other").proof, FORMS.proof[:-1], "ä"])
def test_a_form_of_another_page_is_refused(client, proof):
    assert client.post("/", data={FIELD: proof, "a": "b"}).status_code == 403
    assert client.post("/", data={"a": "b"}).status_code == 403


def test_the_field_does_not_tell_the_token():
    assert "secret" not in FORMS.proof and len(FORMS.proof) == 64


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data", ""])
def test_another_type_is_refused(client, kind):
    body = f"{FIELD}={FORMS.proof}"
    assert client.post("/", content=body, headers={"content-type": kind}).status_code == 415


@pytest.mark.parametrize(
    ("body", "status"), [(b"a=%ff", 400), (b"\xff=1", 400), (b"a=" + b"1" * (1 << 20), 413)]
)
def test_what_is_no_form_is_refused(client, body, status):
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert client.post("/", content=body, headers=headers).status_code == status
