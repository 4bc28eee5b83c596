"""`manifest.json`: what a runner needs to know about a bundle, without TFX's own format.

A new field gets a default, so that older bundles still open; a change that an older runner would
misread increments `Manifest.format`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}

# Both become a part of paths: of the served versions, and of logs.
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
NodeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]

Role = Literal["data", "model", "release"]
Gate = Literal["data", "evaluation", "serving"]


class Resources(BaseModel):
    """The resource requests of a node: cores, memory such as `4Gi`, GPUs."""

    model_config = ConfigDict(frozen=True)
    cpu: float | None = None
    memory: str | None = None
    gpu: int = 0

    @property
    def memory_bytes(self) -> int:
        """The memory in bytes; 0 if none is requested."""
        return int(self.memory[:-2]) * _UNITS[self.memory[-2:]] if self.memory else 0


class Node(BaseModel):
    """One node of the pipeline."""

    model_config = ConfigDict(frozen=True)
    id: NodeId
    role: Role
    does: str
    """What the node does, for people."""
    upstream: tuple[str, ...] = ()
    """The nodes that must have succeeded."""
    gate: Gate | None = None
    """Which gate the node is, if it can refuse."""
    after_skipped: bool = False
    """Whether it also runs where nodes upstream were skipped, or a gate has refused the model."""
    resources: Resources = Resources()


class Parameter(BaseModel):
    """A runtime parameter; `pattern` is a regular expression for its values, empty for any."""

    model_config = ConfigDict(frozen=True)
    type: Literal["string", "integer"]
    default: str | int
    does: str
    pattern: str = ""


class Manifest(BaseModel):
    """The contents of a bundle."""

    model_config = ConfigDict(frozen=True)
    format: Literal[2] = 2
    name: Name
    version: str
    """The version of Beltline."""
    digest: str
    """Digest of everything in the folder."""
    code: str
    """Digest of the model code."""
    lock: str
    """Digest of the locked requirements that it was compiled with."""
    nodes: tuple[Node, ...]
    """In an order in which they can run."""
    parameters: dict[str, Parameter]
    """The runtime parameters by name."""
    push: str
    """Folder of the served versions."""

    def node(self, node_id: str) -> Node:
        """Returns the node `node_id`.

        Raises:
          KeyError: the node is unknown.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def defaults(self) -> dict[str, str | int]:
        """Returns the default of each runtime parameter."""
        return {name: parameter.default for name, parameter in self.parameters.items()}
