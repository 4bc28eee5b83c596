"""Where processes that train together are started: on the Dask cluster that data nodes use."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.base.together import Processes
from beltline.runners.beam.arguments import check_installed


def check_place(beam: Beam, workers: int) -> None:
    """Checks that a training has a place for its processes.

    Args:
      beam: the section.
      workers: how many processes train together.

    Raises:
      WrongInput: it has none.
    """
    if workers > 1 and beam.runner != "dask":
        raise WrongInput(
            f"training.workers: {workers} requires a Dask cluster: set `beam.runner: dask` and "
            "`beam.dask.scheduler` (`beltline cluster up` starts one), or `training.workers: 1`"
        )


def starter(
    beam: Beam, code: Path, root: str
) -> Callable[[int, str], AbstractContextManager[Processes]]:
    """Returns what starts processes, as `base.together` describes it.

    Args:
      beam: the section.
      code: the bundle's model code.
      root: a folder that the workers must see.
    """

    def start(number: int, factory: str) -> AbstractContextManager[Processes]:
        check_place(beam, number)
        check_installed("dask")
        # An installation without a cluster need not have Dask.
        from beltline.runners.training.group import processes

        return processes(beam.dask, code, root, number, factory)

    return start
