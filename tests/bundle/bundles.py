"""Small bundles for the tests."""

from typing import Any

from beltline.bundle.manifest import Manifest, Node, Parameter

NODES = (
    Node(id="ExampleGen", role="data", does="Reads."),
    Node(id="DataGate", role="data", does="Stops.", gate="data", upstream=("ExampleGen",)),
    Node(id="Schema", role="data", does="Knows."),
    Node(id="Transform", role="model", does="Learns.", upstream=("DataGate", "Schema")),
    Node(id="Trainer", role="model", does="Trains.", upstream=("Transform",)),
    Node(id="Champion", role="release", does="Finds."),
    Node(id="Pusher", role="release", does="Pushes.", upstream=("Champion", "Trainer")),
)
PARAMETERS = {
    "data-path": Parameter(type="string", default="line.csv", does="Where."),
    "span": Parameter(type="string", default="latest", does="When.", pattern="^(latest|[0-9]+)$"),
    "steps": Parameter(type="integer", default=0, does="How long."),
}


def manifest(**changes: Any) -> Manifest:
    """A manifest of a few nodes, not yet in a bundle."""
    values: dict[str, Any] = {
        "name": "line",
        "version": "0.1.0",
        "digest": "",
        "code": "c0de",
        "lock": "unlocked",
        "nodes": NODES,
        "parameters": PARAMETERS,
        "push": "served",
    }
    return Manifest(**{**values, **changes})
