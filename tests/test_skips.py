"""A skip that nobody expects fails the run."""

import pytest

pytest_plugins = ["pytester"]

SKIPPED = """
import pytest

def test_skipped():
    pytest.skip({reason!r})
"""
CONFTEST = """
from tests.skips import Skips

def pytest_configure(config):
    config.pluginmanager.register(Skips())
"""


def run(pytester: pytest.Pytester, reason: str) -> pytest.RunResult:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SKIPPED.format(reason=reason))
    return pytester.runpytest("-p", "no:cacheprovider")


@pytest.mark.parametrize(
    ("reason", "installed", "code"),
    [
        ("the moon is full", "", 1),
        ("chromium is not installed", "", 0),
        ("Skipped: PostgreSQL is not installed (Debian: postgresql)", "", 0),
        ("chromium is not installed", "none", 1),
        ("a file has no password", "none", 0),
    ],
)
def test_only_a_listed_reason_will_do(pytester, monkeypatch, reason, installed, code):
    monkeypatch.setenv("BELTLINE_SKIPS", installed)
    result = run(pytester, reason)
    assert result.ret == code
    assert ("UNEXPECTED SKIP" in result.stdout.str()) == bool(code)
