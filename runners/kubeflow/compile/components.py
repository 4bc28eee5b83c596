"""Components and pipeline functions for Kubeflow's compiler, from names and arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kfp import dsl

Channels = Mapping[str, Any]


def component(
    name: str,
    module: str,
    inputs: Mapping[str, type],
    arguments: Callable[[Channels], Sequence[Any]],
    image: str,
) -> Any:
    """Returns a component whose container runs a module of Beltline.

    Args:
      name: the component's name.
      module: the module's dotted name.
      inputs: the types of its inputs, and of its output files, by name.
      arguments: returns the module's arguments from the placeholders of the inputs.
      image: the container's image.
    """

    def container(values: Channels) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=image,
            command=["python", "-m", module],
            args=list(arguments(values)),
        )

    typed = {each: (kind, inspect.Parameter.empty) for each, kind in inputs.items()}
    return dsl.container_component(function(name, typed, container))


def function(
    name: str, inputs: Mapping[str, tuple[type, Any]], body: Callable[[Channels], Any]
) -> Callable[..., Any]:
    """Returns a function with the signature that kfp reads: inputs with types and defaults."""

    def made(*values: Any) -> Any:
        return body(dict(zip(inputs, values, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made.__name__ = name
    # kfp reads a function's inputs from it.
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined] # mypy knows none
        [
            inspect.Parameter(each, kind, annotation=annotation, default=default)
            for each, (annotation, default) in inputs.items()
        ]
    )
    return made
