"""Every setting of a run, and the digests that say what it was made from."""

import json
from collections.abc import Mapping
from typing import Any

from beltline.base import digest
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import Lineage, NodeRun

_MOST_TEXT = 4000
# What ML Metadata has of each execution beside the settings.
_OURS = "beltline_"


def settings_of(lineage: Lineage, nodes: Mapping[str, NodeRun]) -> dict[str, dict[str, Any]]:
    """Returns the execution properties of each node: all that it was asked for.

    In place of a very long text, such as the schema of a wide table, there is its digest.
    """
    found = {}
    for node, execution in nodes.items():
        properties = lineage.properties(execution.execution_id)
        kept = {name: value for name, value in properties.items() if not name.startswith(_OURS)}
        found[node] = {name: _short(kept[name]) for name in sorted(kept)}
    return {node: properties for node, properties in found.items() if properties}


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Returns the values within sections, and within JSON objects, by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        within = _object(value)
        if within:
            found |= flat(within, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= _MOST_TEXT:
        return value
    return f"({len(value):,} characters, digest {digest.of_parts({'': value.encode()})[:16]})"


def origin_of(manifest: Manifest | None, data: str, schema: str) -> dict[str, str]:
    """Returns the digests of what a run was made from; without those that aren't known.

    Args:
      manifest: the bundle's; None where it isn't in the root.
      data: the data's digest.
      schema: the schema's digest.
    """
    known = {"data": data, "schema": schema}
    if manifest:
        known |= {
            "bundle": manifest.digest,
            "model code": manifest.code,
            "locked requirements": manifest.lock,
            "Beltline": manifest.version,
        }
    return {name: value for name, value in known.items() if value}
