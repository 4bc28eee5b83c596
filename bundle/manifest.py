"""`manifest.json`: what a runner must know of a bundle without reading TFX's own format.

A new field gets a default here, so that older bundles still open; a change that an older runner
would misread raises `Manifest.format`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["data", "model", "release"]
Gate = Literal["data", "evaluation", "serving"]


class Resources(BaseModel):
    """What a node asks for: cores, memory such as `4Gi`, GPUs."""

    model_config = ConfigDict(frozen=True)
    cpu: float | None = None
    memory: str | None = None
    gpu: int = 0


class Node(BaseModel):
    """One node: its id in the pipeline, what it follows, and what it needs.

    `gate` marks a node that can refuse; `upstream` holds every node that must have ended well.
    """

    model_config = ConfigDict(frozen=True)
    id: str
    role: Role
    does: str
    upstream: tuple[str, ...] = ()
    gate: Gate | None = None
    resources: Resources = Resources()


class Parameter(BaseModel):
    """A value that may differ from run to run; `pattern` is a regular expression, empty for any."""

    model_config = ConfigDict(frozen=True)
    type: Literal["string", "integer"]
    default: str | int
    does: str
    pattern: str = ""


class Manifest(BaseModel):
    """A bundle's contents.

    `digest` covers everything in the folder; `code` the model code alone; `lock` the requirements
    that it was compiled with. `nodes` are in an order in which they can run. `parameters` are the
    runtime parameters by name. `push` is the folder of the served versions.
    """

    model_config = ConfigDict(frozen=True)
    format: Literal[2] = 2
    name: str
    version: str
    digest: str
    code: str
    lock: str
    nodes: tuple[Node, ...]
    parameters: dict[str, Parameter]
    push: str

    def node(self, node_id: str) -> Node:
        """Returns the node named `node_id`; KeyError if there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def defaults(self) -> dict[str, str | int]:
        """Returns the value of each runtime parameter where a run names no other."""
        return {name: parameter.default for name, parameter in self.parameters.items()}
