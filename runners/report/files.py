"""JSON files in the artifacts of a run."""

import json
from typing import Any

from beltline.runners.metadata.store import NodeRun
from beltline.storage import folders


def json_of(node: NodeRun | None, key: str, name: str) -> Any:
    """Returns the content of a file in a node's output; None where it can't be read.

    Args:
      node: the node's execution; None if there is none.
      key: the output's.
      name: the file's path in it.
    """
    made = node.outputs.get(key, []) if node else []
    if not made:
        return None
    try:
        return json.loads((folders.local(made[0]["uri"], name) / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
