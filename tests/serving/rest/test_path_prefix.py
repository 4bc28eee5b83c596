import json
import re
import subprocess
from urllib.parse import urljoin

import pytest
import requests

from beltline.serving.rest.forwarding import Forwarded
from beltline.serving.rest.path_prefix import PathPrefix
from tests.serving import running
from tests.serving.rest.test_predict import ROW, refused


def below(prefix, path, raw=None):
    found = PathPrefix(prefix).below({"path": path, "raw_path": (raw or path).encode()})
    return found and (found["path"], found["raw_path"].decode())


@pytest.mark.parametrize("path", ["/", "/v1/models/a", "/healthz", "/casting/v1"])
def test_without_a_prefix_paths_are_as_they_are(path):
    assert below("", path) == (path, path)


def test_a_path_below_the_prefix():
    assert below("/a/b", "/a/b/docs") == ("/docs", "/docs")
    assert below("/a", "/a/v1/x y", "/a/v1/x%20y") == ("/v1/x y", "/v1/x%20y")
    assert below("/a", "/a/") == ("/", "/")


@pytest.mark.parametrize("path", ["/", "/docs", "/a", "/ab/docs", "//a/docs", "/A/docs"])
def test_a_path_that_is_not_below_it(path):
    assert below("/a", path) is None


def test_an_escape_is_no_slash():
    assert below("/a", "/a/docs", "/a%2Fdocs") is None


def test_probes_need_no_prefix():
    assert below("/a", "/healthz") == ("/healthz", "/healthz")
    assert below("/a", "/a/readyz") == ("/readyz", "/readyz")


def test_the_prefix_where_the_client_is():
    assert PathPrefix("").outside(None) == ""
    assert PathPrefix("/b").outside(None) == "/b"
    assert PathPrefix("/b").outside(Forwarded("", prefix="/a")) == "/a/b"


@pytest.mark.slow
def test_everything_is_below_the_prefix(tmp_path):
    running.small_model(tmp_path / "line" / "1")
    options = ["--path-prefix", "/parts/line"]
    secret = {"BELTLINE_SERVE_TOKEN": "t"}
    with running.server(tmp_path / "line", tmp_path / "log", *options, **secret) as server:
        assert f"{server.address}/parts/line/v1/models/line, pages at /parts/line/docs" in (
            server.log.read_text()
        )
        server.wait_until_ready()
        token = {"Authorization": "Bearer t"}
        for path in ("/v1/models/line", "/docs", "/metrics", "/parts/line", "/parts/linex/docs"):
            refused(server.look(path), 401)
            assert "path prefix" in refused(server.look(path, headers=token), 404)
        refused(server.look("/parts/line/metrics"), 401)
        assert server.look("/parts/line/readyz").status_code == 200
        base = f"{server.address}/parts/line"
        page = requests.get(f"{base}/docs", headers=token, timeout=20)
        for link in [*re.findall(r'(?:src|href)="([^"]+)"', page.text), "openapi.json"]:
            found = requests.get(urljoin(page.url, link), headers=token, timeout=20)
            assert found.status_code == 200, link
        document = found.json()
        assert document["servers"] == [{"url": "/parts/line"}]
        [path] = [each for each in document["paths"] if each.endswith(":predict")]
        # As a client that is made from the document asks.
        address = urljoin(found.url, document["servers"][0]["url"]) + path
        rows = {"instances": [ROW]}
        answer = requests.post(address, json=rows, headers=token, timeout=20)
        assert answer.json()["version"] == "1"
        sent = subprocess.run(
            ["curl", "-s", "-H", "Authorization: Bearer t", "-d", json.dumps(rows), address],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert json.loads(sent.stdout) == answer.json()
