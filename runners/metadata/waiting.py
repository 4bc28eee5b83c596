"""Waits for the database of ML Metadata, and for executions in it to end.

A cluster may restart the database at any time. An orchestrator may count a task as failed that is
still being stopped.
"""

import logging
import time

from beltline.base.errors import WrongInput
from beltline.runners.metadata.store import Lineage, open_exclusively
from beltline.runners.paths import Paths

PATIENCE_SECONDS = 120.0
"""A database's pod that moves to another machine is back by then."""
_PAUSE_SECONDS = 1.0

log = logging.getLogger("beltline.metadata")


def wait_for_metadata(paths: Paths, pipeline: str, seconds: float) -> Lineage:
    """Opens ML Metadata as soon as it can be, for tasks that nobody runs again.

    Args:
      paths: the root and ML Metadata.
      pipeline: the pipeline's name.
      seconds: how long at most.

    Raises:
      WrongInput: it can't be opened after that time either.
    """
    end = time.monotonic() + seconds
    warned = False
    while True:
        try:
            return open_exclusively(paths, pipeline)
        except WrongInput as error:
            if time.monotonic() > end:
                raise
            if not warned:
                log.warning("%s; it is tried again for %g s", error, seconds)
                warned = True
            time.sleep(_PAUSE_SECONDS)


def wait_for_nodes(lineage: Lineage, run: str, seconds: float) -> None:
    """Returns when no execution of a run is running, or after `seconds`."""
    end = time.monotonic() + seconds
    while any(each.unfinished for each in lineage.nodes(run)):
        if time.monotonic() > end:
            return
        time.sleep(_PAUSE_SECONDS)
