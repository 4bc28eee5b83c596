import pytest

from beltline.serving.token import is_authorized

TOKEN = "s3cret-é"  # noqa: S105 # of nothing


@pytest.mark.parametrize("given", ["Bearer s3cret-é", "bearer  s3cret-é "])
def test_the_token(given):
    assert is_authorized(given.encode(), TOKEN)


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer s3cret", "Basic s3cret-é", "s3cret-é", "Bearer x"]
)
def test_another_one(given):
    assert not is_authorized(given.encode(), TOKEN)
