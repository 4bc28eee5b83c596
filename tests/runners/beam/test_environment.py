"""A worker's environment beside the node's."""

import pytest

from beltline.base.errors import WrongInput
from beltline.runners.beam.environment import compare

HERE = {"host": "a", "python": "3.11.9", "beam": "2", "lock": "12", "beltline": "34"}
NAMES = [
    ("python", "Python"),
    ("beam", "Beam"),
    ("lock", "the locked requirements"),
    ("beltline", "Beltline's sources"),
]


def test_the_same_environment_is_fine_on_another_host():
    compare("the Beam worker", {**HERE, "host": "b"}, HERE)


@pytest.mark.parametrize(("key", "name"), NAMES)
def test_another_environment_is_refused(key, name):
    there = {**HERE, "host": "b", key: "0"}
    with pytest.raises(WrongInput, match=f"^worker 7 on b differs in {name}: 0 there, .* here: "):
        compare("worker 7", there, HERE)
