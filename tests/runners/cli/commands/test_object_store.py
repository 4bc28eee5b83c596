"""Commands over versions in a real S3 server."""

import json

import pytest
import yaml
from click.testing import CliRunner

from beltline.runners.cli.main import cli
from beltline.storage import objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from beltline.versions.push import push
from tests import object_store
from tests.object_store import SECRET_KEY
from tests.runners.projects import project

pytestmark = pytest.mark.slow


@pytest.fixture
def call(tmp_path, bucket):
    project(tmp_path)
    for number in (1, 2, 3):
        model = tmp_path / f"model{number}"
        model.mkdir()
        (model / "saved_model.pb").write_text(f"model {number}")
        push(model, parse(bucket) / "line", {"run": f"r{number}", "metrics": {"auc": 0.8}})

    words = ["-f", str(tmp_path / "pipeline.yaml"), "--set", f"push.directory={bucket}"]

    def call(*arguments):
        """Returns what the command said, or the error that it raised."""
        result = CliRunner().invoke(cli, [*arguments, *words])
        return result.output.strip() if result.exit_code == 0 else result.exception

    call.words = words
    return call


def test_models_promote_and_rollback(call):
    found = json.loads(call("models", "--json"))
    assert [(each["version"], each["run"], each["live"]) for each in found] == [
        (1, "r1", False),
        (2, "r2", False),
        (3, "r3", True),
    ]
    assert call("promote", "1") == "line: now serving version 1 (was version 3)"
    assert call("rollback") == "line: rolled back; now serving version 3 (was version 1)"
    assert "version 7 not found (known: 1, 2, 3)" in str(call("promote", "7"))


def test_init_writes_the_url_of_the_data(bucket, tmp_path):
    rows = "".join(f"{n % 9},{'ab'[n % 2]},{'yes' if n % 3 else 'no'}\n" for n in range(600))
    objects.write(parse(bucket) / "parts.csv", f"x,kind,good\n{rows}".encode())
    words = ["init", f"{bucket}/parts.csv", "--label", "good", "-o", str(tmp_path / "made")]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0
    settings = yaml.safe_load((tmp_path / "made" / "pipeline.yaml").read_text())
    assert (settings["name"], settings["data"]["path"]) == ("parts", f"{bucket}/parts.csv")


def test_check_writes_an_object(call, bucket, monkeypatch):
    def found():
        done = CliRunner().invoke(cli, ["check", "local", "--json", *call.words])
        return next(each for each in json.loads(done.output) if each["check"] == "versions")

    there = object_store.sizes(parse(bucket))
    assert found()["ok"]
    assert object_store.sizes(parse(bucket)) == there
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refused = found()
    assert not refused["ok"]
    assert "access denied" in refused["text"]
    assert "AWS_ACCESS_KEY_ID" in refused["fix"]


def test_a_store_that_refuses_says_what_to_do(call, monkeypatch, caplog):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET_KEY}-wrong")
    for words in (["models"], ["promote", "1"], ["rollback"]):
        error = call(*words)
        assert isinstance(error, StoreError)
        assert "access denied; check the credentials" in str(error)
        assert SECRET_KEY not in str(error) + caplog.text
