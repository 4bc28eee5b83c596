"""What a node does before a cluster may run its bundles."""

from types import SimpleNamespace

import pytest

from beltline.base.errors import WrongInput
from tests.runners.beam.test_environment import NAMES

pytestmark = pytest.mark.slow  # Beam takes seconds to import.


def _answers(**changes):
    from beltline.runners.beam import worker

    return {"tcp://127.0.0.1:1": {**worker.found(), **changes}}


def test_the_same_environment_is_fine():
    from beltline.runners.beam.dask import compare

    compare(_answers())


@pytest.mark.parametrize(("key", "name"), NAMES)
def test_another_environment_is_refused(key, name):
    from beltline.runners.beam.dask import compare

    with pytest.raises(WrongInput, match=rf"tcp://127.0.0.1:1 on .* differs in {name}: 0 there"):
        compare(_answers(**{key: "0"}))


def test_a_worker_that_has_no_beltline():
    from beltline.runners.beam.dask import on_workers

    client = SimpleNamespace(
        wait_for_workers=lambda *_, **__: None,
        scheduler_info=lambda **_: {"workers": ["w"]},
        run=lambda *_, **__: {"w": ModuleNotFoundError("No module named 'beltline'")},
    )
    with pytest.raises(WrongInput, match="the Dask worker w can't import Beltline"):
        on_workers(client)


def test_what_a_worker_sees_of_the_root(tmp_path):
    from beltline.runners.beam import worker

    assert worker.found(str(tmp_path))["root"] == "writable"
    assert worker.found(str(tmp_path / "nowhere"))["root"] == "missing"
    assert worker.found()["root"] == ""
