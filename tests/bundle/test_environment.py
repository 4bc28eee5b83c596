import sys

import pytest

from bundle import digest, environment
from bundle.errors import WrongInput

LOCK = "tfx==1.21.0 \\\n    --hash=sha256:00\n"


@pytest.fixture(autouse=True)
def prefix(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    environment.lock_digest.cache_clear()
    yield tmp_path
    environment.lock_digest.cache_clear()


def install(prefix, text):
    (prefix / environment.LOCK).write_text(text)
    environment.lock_digest.cache_clear()


def test_without_a_lock_it_is_unlocked():
    assert environment.lock_digest() == "unlocked"


def test_it_is_the_digest_of_the_lock_that_was_installed(prefix):
    install(prefix, LOCK)
    first = environment.lock_digest()
    assert first == digest.of_lock(LOCK)[:16]
    install(prefix, LOCK.replace("1.21.0", "1.22.0"))
    assert environment.lock_digest() != first


def test_a_bundle_of_other_libraries_is_refused(prefix):
    install(prefix, LOCK)
    environment.check_lock(environment.lock_digest())
    with pytest.raises(WrongInput, match="other0123456789") as refused:
        environment.check_lock("other0123456789")
    assert environment.lock_digest() in str(refused.value)
    assert "make setup" in str(refused.value)


def test_where_one_side_knows_no_lock_there_is_nothing_to_compare(prefix):
    environment.check_lock("0123456789abcdef")
    install(prefix, LOCK)
    environment.check_lock("unlocked")
