import io
import os
import re
import shutil
import subprocess
from urllib.parse import urljoin

import jsonschema
import pytest
import requests

from beltline.serving.options import Options
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.pages import Pages
from beltline.serving.rest.responses import HttpError
from beltline.serving.servables.served import ServedVersions
from tests.serving.rest.test_predict import ROW, refused

pytestmark = pytest.mark.slow


def test_status(server):
    expected = {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("", "/versions/1", "/labels/live"):
        assert server.look(f"/v1/models/line{path}").json() == expected
    for path, why in (
        ("line/versions/9", "Could not find version 9 of model line"),
        ("other", "Could not find any versions of model other"),
        ("other/versions/1", "Could not find version 1 of model other"),
    ):
        assert refused(server.look(f"/v1/models/{path}"), 404) == why
    assert "Unrecognized servable version label" in refused(server.look("/v1/models/line/labels/x"))


def test_metadata(server):
    found = server.look("/v1/models/line/metadata").json()
    assert found["model_spec"] == {"name": "line", "signature_name": "", "version": "1"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["inputs"]["die_temp"] == {
        "name": "serving_default_die_temp:0",
        "dtype": "DT_DOUBLE",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }
    assert signatures["classify"]["method_name"] == "tensorflow/serving/classify"
    assert server.look("/v1/models/line/versions/1/metadata").json() == found
    refused(server.look("/v1/models/line/versions/9/metadata"), 404)


def test_health(server):
    assert server.look("/healthz").json() == {"status": "alive"}
    assert server.look("/readyz").json() == {"status": "ready", "version": "1"}
    head = requests.head(f"{server.address}/healthz", timeout=20)
    assert (head.status_code, head.content) == (200, b"")


def test_other_pages(server):
    assert "not found: /x" in refused(server.look("/x"), 404)
    assert "not found" in refused(server.look("/docs/../../etc/passwd"), 404)
    assert refused(server.look("/docs/index.j2"), 404)
    answer = requests.post(f"{server.address}/metrics", timeout=20)
    assert answer.headers["allow"] == "GET, HEAD"
    assert refused(answer, 405)


def figure(server, line):
    page = server.look("/metrics").text
    found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.MULTILINE)
    assert found, page
    return float(found[1])


def test_metrics(server):
    server.ask({"instances": [ROW, ROW]})
    server.ask({"instances": []})
    lines = [
        'beltline_requests_total{endpoint="predict",status="200"}',
        'beltline_requests_total{endpoint="predict",status="400"}',
        'beltline_request_seconds_count{endpoint="predict"}',
        "beltline_rows_total",
        "beltline_batches_total",
    ]
    before = [figure(server, line) for line in lines]
    server.ask({"instances": [ROW, ROW]})
    server.ask({"instances": []})
    after = [figure(server, line) for line in lines]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 2, 2, 1]
    assert figure(server, "beltline_live_version") == 1
    assert figure(server, "beltline_queue_rows") == 0
    state = 'beltline_version_state{broken="false",state="AVAILABLE",version="1"}'
    assert figure(server, state) == 1
    assert figure(server, 'beltline_sampled_rows_total{outcome="dropped"}') == 0


def test_requested_paths_make_no_new_metrics(server):
    def requested(number):
        for start in ("", "/v1", "/v1/models", "/v2", "/v2/models"):
            server.look(f"{start}/{number}")
        page = server.look("/metrics").text
        assert 'endpoint="other",status="404"' in page
        return len(re.findall("^beltline_requests_total", page, re.MULTILINE))

    # The page itself is counted after it is made.
    requested(0)
    before = requested(0)
    assert [requested(number) for number in range(1, 10)] == [before] * 9


def test_the_openapi_document(server):
    document = server.look("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    body = document["paths"]["/v1/models/line:predict"]["post"]["requestBody"]
    content = body["content"]["application/json"]
    assert content["example"] == {"instances": [ROW]}
    rows = content["schema"]["oneOf"][0]["properties"]["instances"]["items"]
    assert rows["required"] == ["die temp", "mold", "temp"]
    assert rows["properties"]["mold"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    # What else the table has, and the row's key.
    assert {"cast_at", "scrap", "part"} <= rows["properties"].keys()
    assert rows["additionalProperties"] is False
    assert "/v1/models/line:classify" in document["paths"]
    # Its example is a request that it allows, and so is the answer.
    jsonschema.validate(content["example"], content["schema"])
    answer = document["paths"]["/v1/models/line:predict"]["post"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    jsonschema.validate(server.ask(content["example"]).json(), schema)


def test_the_docs_page_loads_nothing_from_another_host(server):
    page = server.look("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        address = urljoin(page.url, link)
        assert address.startswith(server.address)
        assert requests.get(address, timeout=20).status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_no_page_waits_for_the_disk(monkeypatch, tmp_path):
    options = Options("line", tmp_path)
    served = ServedVersions(options)
    pages = Pages(options, served, ServerMetrics(served))

    def slow(*_: object) -> None:
        raise AssertionError("a page was read on the event loop")

    monkeypatch.setattr(io, "open", slow)
    monkeypatch.setattr(os, "scandir", slow)
    monkeypatch.setattr(os, "listdir", slow)
    try:
        for path in ("/docs", "/docs/swagger-ui.css", "/docs/start.js", "/healthz", "/metrics"):
            assert pages.response("GET", path).status == 200
        with pytest.raises(HttpError, match="no version is ready"):
            pages.response("GET", "/readyz")
    finally:
        served.close()


def test_a_browser_shows_what_can_be_asked(server, tmp_path):
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    words += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000"]
    shown = subprocess.run(
        [*words, f"{server.address}/docs"], capture_output=True, text=True, timeout=120
    ).stdout
    assert "Unable to render" not in shown
    assert 'data-path="/v1/models/line:predict"' in shown


def test_the_docs_page_has_a_current_dompurify(server):
    """It keeps a text in the document from being a script in the page; 2.3.10 had flaws."""
    script = server.look("/docs/swagger-ui-bundle.js").text
    # The other one is Immer's.
    versions = re.findall(r'\.version="(\d+\.\d+\.\d+)",\w+\.removed=\[\]', script)
    [found] = [tuple(map(int, each.split("."))) for each in versions]
    assert found >= (3, 4, 13)
