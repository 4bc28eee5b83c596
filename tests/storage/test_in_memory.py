"""Objects and the lease in a store in this process: what needs no server (`test_objects.py`)."""

import pytest

from beltline.storage import lease, objects
from beltline.storage.errors import StoreError
from beltline.storage.url import parse
from tests.storage.scenarios import check_objects, holders_at_once

URL = parse("s3://bucket/there")


def test_an_object_is_written_read_listed_and_deleted(memory):
    check_objects(URL)
    assert memory.store == {}


def test_files_go_there_and_back(memory, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (70 << 10))
    objects.upload({URL / "large": large, URL / "large.gz": large})
    objects.download({URL / "large": tmp_path / "a" / "b", URL / "large.gz": tmp_path / "c"})
    assert (tmp_path / "a" / "b").read_bytes() == large.read_bytes()
    assert (tmp_path / "c").read_bytes() == large.read_bytes()
    with pytest.raises(FileNotFoundError):
        objects.download({URL / "absent": tmp_path / "d"})
    with pytest.raises(FileNotFoundError):
        objects.upload({URL / "absent": tmp_path / "absent"})


def test_one_holder_at_a_time(memory, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.05)
    monkeypatch.setattr(lease, "_PAUSE", 0.01)
    assert holders_at_once(URL, 4, 0.01) == [1, 1, 1, 1]
    with pytest.raises(FileNotFoundError):
        objects.read(URL)


def test_a_lease_ends_and_one_that_lives_does_not(memory, monkeypatch):
    monkeypatch.setattr(lease, "SETTLE", 0.02)
    monkeypatch.setattr(lease, "_GIVE_UP", 0.3)
    objects.write(URL, b"somebody")
    with pytest.raises(StoreError, match="another push or promotion is running"):
        lease.leased(URL).__enter__()
    assert objects.read(URL) == b"somebody"
    monkeypatch.setattr(lease, "SECONDS", 0.1)
    with lease.leased(URL) as held:
        assert objects.read(URL).decode() == held.token
        held.check()
        monkeypatch.setattr(lease, "SECONDS", 0.0)
        with pytest.raises(StoreError, match="nothing was changed"):
            held.check()
