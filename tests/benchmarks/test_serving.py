"""What is made of wrk's words, and the ratios."""

import click
import pytest

from benchmarks.load import Load, read
from benchmarks.serving import section

PRINTED = """\
Running 8s test @ http://127.0.0.1:8501/v1/models/model:predict
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    10.42ms    3.11ms  61.20ms   81.10%
    Req/Sec     3.08k   301.22     3.61k    70.00%
  Latency Distribution
     50%  980.00us
     75%   11.20ms
     90%   14.00ms
     99%    1.25s{}
  24650 requests in 8.01s, 6.50MB read
{}Requests/sec:   3078.25
Transfer/sec:    831.42KB
"""


def test_what_wrk_prints() -> None:
    assert read(PRINTED.format(" ", "")) == Load(p50=0.98, p99=1250.0, per_second=3078.25, failed=0)


def test_every_bad_answer_counts() -> None:
    bad = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 90\n"
    assert read(PRINTED.format(" ", bad)).failed == 100


def test_other_words_are_an_error() -> None:
    with pytest.raises(click.ClickException, match="something else than expected"):
        read("unable to connect")


def test_the_ratios_are_those_of_the_medians() -> None:
    loads = {
        ("Beltline", 1): [Load(3, 5, 300, 0), Load(4, 6, 250, 0), Load(9, 9, 100, 0)],
        ("BentoML", 1): [Load(8, 9, 100, 0)] * 3,
        ("BentoML, batching", 1): [Load(80, 90, 10, 0)] * 3,
        ("Beltline", 32): [Load(10, 120, 1000, 0)] * 3,
        ("BentoML", 32): [Load(20, 30, 2000, 1)] * 3,
        ("BentoML, batching", 32): [Load(20, 30, 1000, 1)] * 3,
    }
    lines = section([{"p50": 2.0, "per_second": 500.0}] * 3, loads, "command").splitlines()
    assert "| p50 of one connection by the direct call | 2.00 | ≤ 2 |" in lines
    assert "| rate of 32 connections by direct calls, one at a time | 2.00 | ≥ 5: missed |" in lines
    assert "| rate of 32 connections by that of one | 4.00 | ≥ 5: missed |" in lines
    assert "| p99 by p50, 32 connections | 12.00 | ≤ 10: missed |" in lines
    assert "| rate by BentoML's, 32 connections | 0.50 | ≥ 1: missed |" in lines
    assert "| p50 by BentoML's, one connection | 0.50 | ≤ 1 |" in lines
    assert "| BentoML | 32 | 20.00 | 30.00 | 2,000 | 3 |" in lines
