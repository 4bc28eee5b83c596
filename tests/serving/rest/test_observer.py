"""Ids, traces and clients of requests: in responses, in the log of errors and in the access log."""

import json
import re
import time

import pytest
import requests

from beltline.base.settings.serving import ServingLimits
from beltline.serving.current_request import add_phase, current_request, set_current_request
from beltline.serving.options import Options
from beltline.serving.rest.observer import Observer
from beltline.serving.rest.pages import OTHER
from beltline.serving.rest.responses import Response
from tests.serving import running
from tests.serving.rest.test_access_log import lines
from tests.serving.rest.test_predict import ROW, refused
from tests.serving.test_trace_context import PARENT, TRACE

MADE = r"[0-9a-f]{32}"
TOKEN = "s3cret-token"  # noqa: S105 # of nothing


def scope(*headers, path="/v1/models/line", method="GET", peer="127.0.0.1"):
    return {
        "headers": [(name.encode(), value) for name, value in headers],
        "client": (peer, 4711),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
    }


@pytest.fixture
def observer(tmp_path):
    """One with an access log and a trusted proxy."""
    limits = ServingLimits(access_log=str(tmp_path / "log"), trusted_proxies=["127.0.0.1"])
    found = Observer(Options("line", tmp_path, limits=limits))
    yield found
    found.close()


@pytest.mark.parametrize("given", [b"x", b"r-1.2_3~:+/=@", b"0" * 128])
def test_a_callers_id_is_kept(observer, given):
    found = observer.begin(scope(("x-request-id", given)))
    assert found.id == given.decode()
    assert found.headers == [(b"x-request-id", given)]
    assert current_request() is found


@pytest.mark.parametrize(
    "given",
    [[], [b""], [b"0" * 129], [b"a b"], [b"a\x1b[2J"], ["ä".encode()], [b'"'], [b"a", b"b"]],
)
def test_an_odd_id_is_replaced(observer, given):
    first, second = (
        observer.begin(scope(*(("x-request-id", each) for each in given))) for _ in "12"
    )
    assert re.fullmatch(MADE, first.id)
    assert first.id != second.id


def test_a_callers_trace_is_returned(observer):
    found = observer.begin(scope(("traceparent", PARENT), ("tracestate", b"a=b")))
    assert found.headers[1:] == [(b"traceparent", PARENT), (b"tracestate", b"a=b")]
    assert found.trace_id == TRACE
    invalid = observer.begin(scope(("traceparent", b"00-x"), ("tracestate", b"a=b")))
    assert len(invalid.headers) == 1
    assert invalid.trace_id is None


@pytest.mark.parametrize(("peer", "client"), [("127.0.0.1", "192.0.2.1"), ("127.0.0.2",) * 2])
def test_the_client_is_who_a_trusted_proxy_says(observer, peer, client):
    found = observer.begin(scope(("x-forwarded-for", b"192.0.2.1"), peer=peer))
    assert found.client == client


def test_probes_are_logged_where_they_fail(observer, tmp_path):
    cases = [("healthz", 200), ("readyz", 200), ("readyz", 503), ("metrics", 200), (OTHER, 404)]
    for endpoint, status in cases:
        observed = observer.begin(scope(path=f"/{endpoint}"))
        observer.end(scope(path=f"/{endpoint}"), observed, endpoint, Response(status, b"12"))
    observed = observer.begin(scope(method="HEAD"))
    observer.end(scope(method="HEAD"), observed, "status", Response(200, b"12"))
    observer.end(scope(), observed, "predict", None)
    observer.close()
    found = [
        (each["path"], each["status"], each["response_bytes"]) for each in lines(tmp_path / "log")
    ]
    assert found == [
        ("/readyz", 503, 2),
        ("/metrics", 200, 2),
        ("/other", 404, 2),
        ("/v1/models/line", 200, 0),
        ("/v1/models/line", 499, 0),
    ]


def test_a_long_path_is_cut_before_it_waits(observer):
    taken = []
    observer.access_log.add = taken.append
    long = scope(("user-agent", b"x" * 60_000), path="/" + "x" * 60_000)
    observer.end(long, observer.begin(long), OTHER, Response(404, b""))
    assert len(taken[0].path) < 600
    assert len(taken[0].user_agent) < 600


def test_a_phase_is_recorded_for_a_request_that_is_traced(observer):
    request = observer.begin(scope())
    add_phase("parse", 1)
    assert request.phases is None
    request.phases = []
    add_phase("parse", 1)
    [(name, begun, ended)] = request.phases
    assert (name, begun) == ("parse", 1)
    assert 0 <= time.time_ns() - ended < 10**10
    set_current_request(None)
    add_phase("parse", 1)


@pytest.mark.slow
def test_ids_in_responses_and_logs(tmp_path):
    running.small_model(tmp_path / "line" / "1")
    access = tmp_path / "access.log"
    options = ["--access-log", str(access), "--timeout-seconds", "2"]
    secret = {"BELTLINE_SERVE_TOKEN": TOKEN}
    with running.server(tmp_path / "line", tmp_path / "log", *options, **secret) as server:
        server.wait_until_ready()
        token = {"Authorization": f"Bearer {TOKEN}"}
        traced = token | {"traceparent": PARENT.decode(), "X-Request-Id": "caller-1"}
        answer = server.ask({"instances": [ROW, ROW]}, headers=traced)
        assert answer.headers["x-request-id"] == "caller-1"
        assert answer.headers["traceparent"] == PARENT.decode()
        # The caller's mistake, one that leads to nowhere, and a failure of the model.
        for body, path, status in (
            ({"instances": [{}]}, ":predict", 400),
            ({"instances": []}, "/versions/9:predict", 404),
            ({"signature_name": "slow", "instances": [9.0]}, ":predict", 504),
        ):
            found = server.ask(body, path, headers=token)
            refused(found, status)
            assert re.fullmatch(MADE, found.headers["x-request-id"])
        timed_out = found.headers["x-request-id"]
        refused(server.ask({}, headers={"Authorization": f"Bearer {TOKEN}x"}), 401)
        head = requests.head(f"{server.address}/docs", headers=token, timeout=20)
        assert head.headers["x-request-id"]
        assert server.stop() == 0
    logged = [each for each in lines(access) if each["path"] != "/readyz"]
    assert [each["status"] for each in logged] == [200, 400, 404, 504, 401, 200]
    first = logged[0]
    size = len(json.dumps({"instances": [ROW, ROW]}))
    assert (first["request_id"], first["trace_id"]) == ("caller-1", TRACE)
    assert (first["version"], first["rows"], first["client"]) == (1, 2, "127.0.0.1")
    assert (first["request_bytes"], first["response_bytes"]) == (size, len(answer.content))
    assert logged[3]["request_id"] == timed_out
    assert logged[3]["seconds"] > 2
    assert logged[4]["request_bytes"] == 0
    assert TOKEN not in access.read_text() + (tmp_path / "log").read_text()
