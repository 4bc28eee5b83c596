"""File systems from the environment."""

import multiprocessing
from typing import Any

import pytest

from beltline.base.errors import WrongInput
from beltline.storage.filesystem import filesystem
from beltline.storage.url import parse


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_a_file_system_is_made_once_for_an_environment(monkeypatch):
    url = parse("s3://bucket/a")
    first = filesystem(url)
    assert filesystem(parse("s3://other/b")) is first
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rotated")
    assert filesystem(url) is not first


@pytest.mark.parametrize("url", ["s3://bucket/a", "gs://bucket/a"])
def test_a_fork_has_one_of_its_own(url, monkeypatch):
    """Its parent's has connections that both would read from."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
    first = filesystem(parse(url))
    fork = multiprocessing.get_context("fork")
    found: Any = fork.Queue()
    process = fork.Process(target=lambda: found.put(filesystem(parse(url)) is first))
    process.start()
    assert found.get(timeout=10) is False
    process.join(10)
    assert filesystem(parse(url)) is first


def test_the_region_is_that_of_the_environment(monkeypatch):
    assert filesystem(parse("s3://bucket/a")).region == "us-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert filesystem(parse("s3://bucket/a")).region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert filesystem(parse("s3://bucket/a")).region == "eu-west-3"


@pytest.mark.parametrize(
    "endpoint", ["minio:9000", "ftp://minio", "http://", "http://planted:planted@minio"]
)
def test_an_invalid_endpoint_is_refused_and_not_repeated(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(WrongInput, match="AWS_ENDPOINT_URL: not a URL") as error:
        filesystem(parse("s3://bucket/a"))
    assert "planted" not in str(error.value)


def test_google_has_one_of_its_own(monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
    assert filesystem(parse("gs://bucket/a")).type_name == "gcs"
