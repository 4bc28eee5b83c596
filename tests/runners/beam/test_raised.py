"""A worker's error by its traceback, as engines report it."""

import pytest

from beltline.base.errors import GateRefused, WrongInput
from beltline.runners.beam.raised import as_raised

WORKER = """\
process bundle failed for instruction bund1: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1501, in apache_beam.runners.common.DoFnRunner.process
  File "/app/beltline/pipeline/tables/rows.py", line 12, in parse
    raise WrongInput("casting.csv:2: unclosed")
{}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3.11/threading.py", line 1, in run
{} [while running 'Read/ParDo(Parse)-ptransform-12']

"""


def test_an_error_of_ours_is_what_it_was():
    raised = "beltline.base.errors.WrongInput: casting.csv:2: a quote\nis not closed"
    error = as_raised(WORKER.format(raised, raised))
    assert isinstance(error, WrongInput)
    assert str(error) == "casting.csv:2: a quote\nis not closed"


def test_of_several_the_last_one():
    first = "beltline.base.errors.WrongInput: a column"
    error = as_raised(WORKER.format(first, "beltline.base.errors.GateRefused: no"))
    assert type(error) is GateRefused
    assert str(error) == "no"


@pytest.mark.parametrize(
    "raised",
    [
        "ValueError: beltline.base.errors.WrongInput: in the text of another",
        "beltline.base.errors.NoSuchError: unknown",
        "",
    ],
)
def test_any_other_error_is_none_of_ours(raised):
    assert as_raised(WORKER.format(raised, raised)) is None
