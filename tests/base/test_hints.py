import pytest

from beltline.base.hints import did_you_mean


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("Trainr", "; did you mean 'Trainer'?"),
        ("Tuned", "; did you mean 'Tuner'?"),
        ("TUNER", "; did you mean 'Tuner'?"),
        ("xyz", ""),
    ],
)
def test_the_nearest_known_name_is_named(word: str, hint: str) -> None:
    assert did_you_mean(word, iter(["Trainer", "Tuner", "Pusher"])) == hint


def test_where_nothing_is_known_there_is_no_hint() -> None:
    assert did_you_mean("Trainer", []) == ""
