"""The options of `python -m beltline.serving`: the settings' own limits, defaults and bounds."""

from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.monitoring import Sampling
from beltline.base.settings.serving import ServingLimits
from beltline.serving.__main__ import options, parser
from beltline.serving.options import Options

NEEDED = ["--name", "line", "--folder", "served/line"]
LIMITS = [
    "port",
    "grpc_port",
    "max_request_mb",
    "max_rows",
    "timeout_seconds",
    "batch_rows",
    "queue_rows",
]


def test_without_options_the_settings_defaults_hold():
    assert options(NEEDED, "") == Options("line", Path("served/line"))


def test_every_limit_is_an_option():
    further = ["unknown_columns", "path_prefix", "trusted_proxies", "access_log"]
    assert list(ServingLimits.model_fields) == [*LIMITS, *further]
    given = [f"--{name.replace('_', '-')}={value}" for value, name in enumerate(LIMITS, 1)]
    found = options([*NEEDED, *given], "").limits
    assert [getattr(found, name) for name in LIMITS] == [1, 2, 3, 4, 5, 6, 7]


def test_a_choice():
    assert options([*NEEDED, "--unknown-columns", "ignore"], "").limits.unknown_columns == "ignore"
    with pytest.raises(SystemExit):
        options([*NEEDED, "--unknown-columns", "warn"], "")


def test_sampling():
    words = ["--requests", "kept", "--sample-rate", "0.5", "--sample-mb", "7", "--key", "part"]
    found = options([*NEEDED, *words, "--sample-without", "a", "--sample-without", "b"], "t0ken")
    assert found.sampling == Sampling(sample_rate=0.5, without=["a", "b"], sample_mb=7, key="part")
    assert (found.requests, found.token) == (Path("kept"), "t0ken")
    # A second command line begins anew.
    assert options(NEEDED, "").sampling.without == []


def test_a_proxy():
    words = ["--path-prefix", "/a", "--access-log", "-"]
    words += ["--trusted-proxies", "127.0.0.1", "--trusted-proxies", "10.0.0.0/8"]
    found = options([*NEEDED, *words], "").limits
    assert (found.path_prefix, found.access_log) == ("/a", "-")
    assert found.trusted_proxies == ["127.0.0.1", "10.0.0.0/8"]
    assert options(NEEDED, "").limits.trusted_proxies == []


@pytest.mark.parametrize("prefix", ["a", "/", "/a/", "//a", "/a b", "/../a", "/a?b", "/a\n"])
def test_an_invalid_prefix(prefix):
    with pytest.raises(WrongInput, match=r"^--path-prefix [^:]*: Value error, must begin with"):
        options([*NEEDED, "--path-prefix", prefix], "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-rows", "0"], "--batch-rows 0: Input should be greater than or equal to 1"),
        (["--sample-rate", "2"], "--sample-rate 2.0: Input should be less than or equal to 1"),
        (["--timeout-seconds", "nan"], "--timeout-seconds nan: "),
        (
            ["--trusted-proxies", "10.0.0.1/8"],
            "--trusted-proxies ['10.0.0.1/8']: Value error, 10.0",
        ),
        (["--trusted-proxies", "proxy"], "--trusted-proxies ['proxy']: Value error, 'pro"),
    ],
)
def test_a_value_out_of_bounds_names_the_option(words, message):
    with pytest.raises(WrongInput) as caught:
        options([*NEEDED, *words], "")
    assert str(caught.value).startswith(message)


def test_help_describes_every_option_but_has_none_for_the_token():
    words = " ".join(parser().format_help().split())
    for section in (ServingLimits, Sampling):
        for name, field in section.model_fields.items():
            assert name == "directory" or " ".join(str(field.description).split()) in words
    assert "--token" not in words
    assert "--directory" not in words
