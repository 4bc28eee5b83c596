"""What holds for every call: limits of time, cancellation, many clients, metrics, samples."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from tests.serving.examples_made import example
from tests.serving.grpc import asking
from tests.serving.grpc.asking import ROW, classification, columns, refused, values
from tests.serving.monitoring.made import rows_of
from tests.serving.rest.test_predict import ROW as JSON_ROW

pytestmark = pytest.mark.slow


def slow(seconds):
    return columns({"seconds": np.array([seconds], np.float32)}, signature="slow")


def counted(server, endpoint, status):
    page = server.look("/metrics").text
    labels = rf'\{{endpoint="{endpoint}",status="{status}"\}}'
    found = re.search(rf"beltline_requests_total{labels} (\S+)", page)
    return float(found[1]) if found else 0


def test_a_model_that_takes_too_long(client):
    why = refused(lambda: client.predict(slow(3.0)), "DEADLINE_EXCEEDED")
    assert why == "the model did not answer within 2 seconds"
    time.sleep(1.5)


def test_a_deadline_of_the_client(client, server):
    before = counted(server, "grpc predict", "CANCELLED")
    blocker = client.prediction.Predict.future(slow(1.0), timeout=20)
    began = time.monotonic()
    why = refused(lambda: client.predict(columns(), timeout=0.2), "DEADLINE_EXCEEDED")
    assert "Deadline Exceeded" in why and time.monotonic() - began < 0.9
    blocker.result()
    assert counted(server, "grpc predict", "CANCELLED") == before + 1


def test_a_call_that_is_cancelled_is_not_run(client, server):
    def rows():
        page = server.look("/metrics").text
        return float(re.search(r"^beltline_rows_total (\S+)", page, re.MULTILINE)[1])

    blocker = client.prediction.Predict.future(slow(1.0), timeout=20)
    time.sleep(0.2)
    before = rows()
    cancelled = [client.prediction.Predict.future(columns(), timeout=20) for _ in range(5)]
    time.sleep(0.2)
    for each in cancelled:
        each.cancel()
    blocker.result()
    client.predict(columns())
    assert rows() == before + 2


def test_metrics(client, server):
    ok = counted(server, "grpc predict", "OK")
    wrong = counted(server, "grpc classify", "INVALID_ARGUMENT")
    client.predict(columns())
    refused(lambda: client.classify(classification()))
    assert counted(server, "grpc predict", "OK") == ok + 1
    assert counted(server, "grpc classify", "INVALID_ARGUMENT") == wrong + 1
    assert 'beltline_request_seconds_count{endpoint="grpc predict"}' in server.look("/metrics").text


def test_sixteen_clients_have_the_answers_to_their_own_rows(server):
    def ask(number):
        with asking.client(server) as own:
            mold = f"M{number}"
            for at in range(30):
                temp = np.array([at / 10], np.float32)
                asked = ROW | {"temp": temp, "mold": [mold]}
                found = values(own.predict(columns(asked)))
                assert found["class"] == [mold.encode()]
                expected = 1 / (1 + np.exp(1 - np.float64(temp[0])))
                assert found["probability"] == pytest.approx([expected], rel=1e-5)

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(ask, range(16)))) == 16


def test_the_samples_are_those_of_rest(client, server):
    row = {"temp": 0.25, "die temp": 3, "mold": "é"}
    server.ask({"instances": [row | {"part": "rest"}]})
    server.ask({"examples": [row | {"part": "rest e"}]}, ":classify")
    asked = {"temp": np.array([0.25], np.float32), "die temp": [3], "mold": ["é"]}
    client.predict(columns(asked | {"part": ["grpc"]}))
    given = example(temp=0.25, die_temp=3, mold="é", part="grpc e")
    client.classify(classification(given))
    found, end = {}, time.monotonic() + 20
    while len(found) < 4 and time.monotonic() < end:
        time.sleep(0.2)
        for file in (server.folder.parent / "requests").glob("Split-v1/*.gz"):
            for each in rows_of(file):
                if key := each.get("beltline:key"):
                    found[key[0].decode()] = each
    kept = {"rest", "rest e", "grpc", "grpc e"}
    assert kept <= found.keys()
    for over_rest, over_grpc in (("rest", "grpc"), ("rest e", "grpc e")):
        both = [
            {name: list(value) for name, value in found[key].items()}
            for key in (over_rest, over_grpc)
        ]
        for each in both:
            del each["beltline:key"], each["beltline:time"]
        assert both[0] == both[1]
        assert both[0]["temp"] == [0.25]


def test_rest_is_answered_meanwhile(client, server):
    end = threading.Event()

    def ask():
        while not end.is_set():
            client.predict(columns())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            assert server.ask({"instances": [JSON_ROW]}).status_code == 200
    finally:
        end.set()
        for thread in threads:
            thread.join()


def test_an_unknown_service(client):
    call = client.channel.unary_unary("/tensorflow.serving.SessionService/SessionRun")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=20)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
