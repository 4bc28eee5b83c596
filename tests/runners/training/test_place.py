"""Where processes that train together are started."""

from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.training.place import check_place, starter

DASK = {"runner": "dask", "dask": {"scheduler": "tcp://127.0.0.1:9"}}


@pytest.mark.parametrize(
    "beam",
    [
        {},
        {"nodes": {"Transform": "dask"}, "dask": DASK["dask"]},
        {"runner": "portable", "portable": {"endpoint": "a:1", "workers": "b:2"}},
    ],
)
def test_several_workers_require_a_cluster(beam: dict[str, object]) -> None:
    place = Beam.model_validate(beam)
    check_place(place, 1)
    with pytest.raises(WrongInput, match=r"training.workers: 2 requires a Dask cluster: set `beam"):
        check_place(place, 2)
    with pytest.raises(WrongInput, match=r"or `training.workers: 1`"):
        starter(place, Path("code.zip"), "/root")(2, "a.B")


def test_a_cluster_is_a_place() -> None:
    check_place(Beam.model_validate(DASK), 2)
