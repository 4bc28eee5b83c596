"""How much a YAML text is with each alias written out: a few lines can stand for gigabytes."""

import math
from collections.abc import Iterator
from pathlib import Path

import yaml

from beltline.base.errors import WrongInput

_MAX_VALUES = 100_000


def check_aliases(file: Path, node: yaml.Node | None) -> None:
    """Checks how much a text is with each alias written out.

    Raises:
      WrongInput: it is too much, or an alias stands for what it is itself a part of.
    """
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            # Until it is known: a part that is its own whole has no end.
            sizes[id(node)] = math.inf
            sizes[id(node)] = 1 + sum(map(size, _parts(node)))
        return sizes[id(node)]

    if node is not None and size(node) > _MAX_VALUES:
        raise WrongInput(
            f"{file}: its aliases (`*name`) stand for more than {_MAX_VALUES:,} values in all; "
            "write them out, or use fewer"
        )


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
