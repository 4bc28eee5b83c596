"""Objects in a real S3 server, and behind a proxy that makes faults."""

import multiprocessing
from typing import Any

import pytest

from beltline.storage import objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from tests.object_store import sizes

pytestmark = pytest.mark.slow


@pytest.fixture
def url(bucket):
    return parse(bucket)


def test_an_object_is_written_read_listed_and_deleted(url):
    with pytest.raises(FileNotFoundError):
        objects.read(url / "one")
    assert sizes(url) == {}
    assert objects.prefixes(url) == []
    objects.write(url / "one", b"1")
    objects.write(url / "one", b"12")
    objects.write(url / "sub" / "grün 2.txt", b"")
    assert objects.read(url / "one") == b"12"
    assert sizes(url) == {url / "one": 2, url / "sub" / "grün 2.txt": 0}
    assert objects.prefixes(url) == [url / "sub"]
    objects.delete(url / "one")
    objects.delete(url / "one")
    objects.delete_below(url)
    objects.delete_below(url)
    assert sizes(url) == {}


def test_files_go_there_and_back(url, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (80 << 10))
    small = tmp_path / "small"
    small.write_text("small")
    # Arrow would pack what is called so.
    objects.upload({url / "large": large, url / "small.gz": small})
    objects.download({url / "large": tmp_path / "a" / "b", url / "small.gz": tmp_path / "a" / "c"})
    objects.write(url / "2.gz", b"12")
    assert objects.read(url / "2.gz") == b"12"
    assert (tmp_path / "a" / "b").read_bytes() == large.read_bytes()
    assert (tmp_path / "a" / "c").read_text() == "small"


def test_forks_read_the_answers_to_their_own_requests(url):
    """As the nodes of a run do, whose parent has read from the store before."""
    texts = [b"a" * 100, b"b" * 200]
    urls = [url / "a", url / "b"]
    for each, text in zip(urls, texts, strict=True):
        objects.write(each, text)
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(2)
    found: Any = fork.Queue()

    def reads(which: int) -> None:
        together.wait(10)
        found.put((which, all(objects.read(urls[which]) == texts[which] for _ in range(50))))

    processes = [fork.Process(target=reads, args=(which,)) for which in (0, 1)]
    for process in processes:
        process.start()
    assert sorted(found.get(timeout=60) for _ in processes) == [(0, True), (1, True)]
    for process in processes:
        process.join(10)
        assert process.exitcode == 0
    assert objects.read(urls[0]) == texts[0]


@pytest.mark.parametrize("kind", ["busy", "cut"])
def test_a_request_that_fails_is_repeated(faults, url, tmp_path, kind):
    getattr(faults, kind).update({"PUT": 2, "GET": 2, "HEAD": 1, "POST": 1})
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (40 << 10))
    objects.upload({url / "large": large})
    objects.download({url / "large": tmp_path / "back"})
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert set(getattr(faults, kind).values()) == {0}


def test_a_slow_answer_is_waited_for(faults, url):
    faults.slow["PUT"] = 2
    objects.write(url, b"1")
    assert objects.read(url) == b"1"


@pytest.mark.parametrize(
    ("kind", "said"), [("busy", r"overloaded \(SLOW_DOWN\)"), ("cut", "can't be reached")]
)
def test_a_store_that_stays_broken_is_an_error_and_the_object_stays(faults, url, kind, said):
    objects.write(url, b"old")
    getattr(faults, kind)["PUT"] = 100
    with pytest.raises(StoreError, match=said):
        objects.write(url, b"new")
    assert len(faults.seen) < 20
    getattr(faults, kind).clear()
    assert objects.read(url) == b"old"


def test_errors_say_what_to_do(url, monkeypatch):
    with pytest.raises(StoreError, match="no bucket 'nowhere'; create it"):
        objects.write(parse("s3://nowhere/x"), b"")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-wrong-secret")
    for call in (objects.read, objects.prefixes, lambda it: objects.write(it, b"")):
        with pytest.raises(StoreError, match="access denied; check the credentials") as error:
            call(url)
        assert "planted" not in f"{error.value!r} {error.value}"
        assert error.value.exit_code == 2
