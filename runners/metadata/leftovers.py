"""What an execution has written that did not end well: removed, as TFX does it with an exception.

TFX removes the outputs of an executor that raises; of one that was killed it knows nothing, and its
next attempt writes to other folders. Checkpoints stay: their folders belong to no execution.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from beltline.runners.metadata.store import Lineage, NodeRun
from beltline.runners.paths import Paths
from beltline.storage.url import ObjectUrl

# Where TFX keeps the name of the folder that an execution's attempts share.
_WORKING = "__stateful_working_dir_index__"


def fail_killed(lineage: Lineage, paths: Paths, attempt: NodeRun, reason: str) -> None:
    """Marks a running execution as failed, and removes its outputs and temporary files.

    Args:
      lineage: the run's ML Metadata.
      paths: the root.
      attempt: the execution; one that has ended stays as it is.
      reason: why it ended.
    """
    if not attempt.unfinished:
        return
    lineage.fail(attempt.execution_id, reason)
    if not attempt.outputs:
        _remove(lineage, paths.artifacts / attempt.node, attempt.execution_id)


def sweep(lineage: Lineage, paths: Paths, node: str) -> None:
    """Removes what workers have written for a node's executions after these had failed.

    Args:
      lineage: the pipeline's ML Metadata.
      paths: the root.
      node: the node, none of whose executions runs.
    """
    folder = paths.artifacts / node
    written = {int(path.name) for path in folder.glob("[!.]*/*") if path.name.isdecimal()}
    for execution in lineage.failed(node, written):
        _remove(lineage, folder, execution)


def sweep_store(lineage: Lineage, store: ObjectUrl, node: str) -> None:
    """Removes what a node's executions have uploaded that failed, or were killed, before their end.

    Args:
      lineage: the pipeline's ML Metadata.
      store: where the artifacts of this database are.
      node: the node, none of whose executions runs.

    Raises:
      StoreError: the store can't be read or changed.
    """
    # Only an object store needs Arrow.
    from beltline.storage import objects

    found = [each for key in objects.prefixes(store / node) for each in objects.prefixes(key)]
    written = {int(each.name) for each in found if each.name.isdecimal()}
    failed = {str(execution) for execution in lineage.failed(node, written)}
    for each in found:
        if each.name in failed:
            objects.delete_below(each)


def remove_temporary(paths: Paths, node: str, execution: int) -> None:
    """Removes the folders that sinks of Beam's began in an execution's outputs, and left.

    A sink names its folder by chance: one that began again on another worker leaves the first.

    Args:
      paths: the root.
      node: the node.
      execution: the execution, which has ended.
    """
    for folder in (paths.artifacts / node).glob(f"[!.]*/{execution}/**/beam-temp-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _remove(lineage: Lineage, node: Path, execution: int) -> None:
    working = str(lineage.properties(execution).get(_WORKING, ""))
    for folder in _folders(node, execution, working):
        # Another machine's root may not be here, or what is left may be somebody else's.
        shutil.rmtree(folder, ignore_errors=True)


def _folders(node: Path, execution: int, working: str) -> Iterator[Path]:
    yield from node.glob(f"*/{execution}")
    yield node / ".system" / "executor_execution" / str(execution)
    if working:
        yield node / ".system" / "stateful_working_dir" / working
