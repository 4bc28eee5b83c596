import click
import pytest

from beltline.runners.node.parameters import check_run, read_parameters
from tests.bundle.bundles import manifest


def test_each_value_gets_its_type():
    given = ["steps=20", "span=7", "data-path=in/a=1.csv"]
    assert read_parameters(manifest(), given) == {
        "steps": 20,
        "span": "7",
        "data-path": "in/a=1.csv",
    }
    assert read_parameters(manifest(), []) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("steps", "--param: invalid value 'steps': must be name=value"),
        ("=7", "must be name=value"),
        ("step=7", "--param step=7: unknown parameter 'step'; did you mean 'steps'"),
        ("xyz=7", "unknown parameter 'xyz' .known: data-path, span, steps"),
        ("steps=ten", "--param steps=ten: must be a whole number, 0 or more"),
        ("steps=-1", "must be a whole number, 0 or more"),
        ("steps=1.5", "must be a whole number, 0 or more"),
        ("steps=", "must be a whole number, 0 or more"),
        ("span=yesterday", "--param span=yesterday: must be of the form .*latest"),
        ("span=7\n", "must be of the form"),
        ("span=$(id)", "must be of the form"),
        ("data-path=", "must be some text"),
    ],
)
def test_anything_else_is_refused(given, message):
    with pytest.raises(click.BadParameter, match=message):
        read_parameters(manifest(), [given])


@pytest.mark.parametrize("run", ["a", "scheduled__2026-11-23T00:00:00+00:00", "x.y~z", "..."])
def test_a_run_may_be_called_so(run):
    check_run(run)


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", "../a", "a b", "a\n", "$(id)", "ä"])
def test_a_run_may_not_be_called_so(run):
    with pytest.raises(click.BadParameter, match="--run"):
        check_run(run)
