"""An object as a file, from a real S3 server."""

import io

import pytest

from beltline.storage import objects
from beltline.storage.reading import ObjectReader
from beltline.storage.url import parse

pytestmark = pytest.mark.slow
CONTENT = bytes(range(256)) * 16


@pytest.fixture
def url(bucket):
    objects.write(parse(bucket) / "x", CONTENT)
    return parse(bucket) / "x"


def test_it_reads_from_anywhere(url):
    with ObjectReader(url) as found:
        assert (found.size(), found.read(3), found.tell()) == (4096, CONTENT[:3], 3)
        assert (found.seek(-2, io.SEEK_END), found.read(10)) == (4094, CONTENT[-2:])
        assert found.read(1) == b""
        assert (found.seek(1), found.seek(1, io.SEEK_CUR), found.read()) == (1, 2, CONTENT[2:])
        assert (found.seek(10_000), found.read()) == (10_000, b"")


@pytest.mark.parametrize("kind", ["busy", "cut"])
@pytest.mark.parametrize("length", [1, 4000])
def test_a_read_that_fails_is_repeated(faults, url, kind, length):
    """Arrow itself repeats no request whose error is longer than what was asked for."""
    getattr(faults, kind).update({"GET": 3})
    with ObjectReader(url) as found:
        assert found.read(length) == CONTENT[:length]
    assert getattr(faults, kind) == {"GET": 0}


def test_a_missing_object_is_a_missing_file(url):
    with pytest.raises(FileNotFoundError):
        ObjectReader(url.parent / "y")
