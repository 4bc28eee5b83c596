"""The package that Kubeflow Pipelines loads: one YAML file, made of a bundle and the settings.

A task for each node, with the node's own edges; before them `unpack`, where the package carries the
bundle; after them, whatever happened, `report`. Nothing of this machine and nothing secret is in
it: secrets are named, and the cluster fills them in.
"""

import inspect
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

from bundle.database_url import DATABASE
from bundle.errors import WrongInput
from bundle.folder import Bundle
from bundle.manifest import Manifest, Node
from runners.kubeflow import pods
from runners.kubeflow.delivery import encoded
from runners.kubeflow.limits import BUNDLE_BYTES
from runners.kubeflow.tasks import FORCE, parameter_name
from runners.places import METADATA

PACKAGE = "pipeline.yaml"
_RUN = "run_id"
_TYPES = {"string": str, "integer": int}

Channels = Mapping[str, Any]

_NEEDED = {
    "image": "write the name of the image that `make image` makes, as your registry has it",
    "volume_claim": "write the name of a claim on a volume that all pods share",
}


def check(kubeflow: dict[str, Any], has_query: bool = False) -> None:
    """Raises WrongInput if the settings' section `kubeflow` lacks what a pod needs.

    `has_query` says whether the data are those of a query, and not files.
    """
    for key, need in _NEEDED.items():
        if not kubeflow[key]:
            raise WrongInput(f"kubeflow.{key}: is needed for Kubeflow: {need}")
    variables = [each for entries in kubeflow["secrets"].values() for each in entries.values()]
    if METADATA not in variables:
        raise WrongInput(
            f"kubeflow.secrets: one entry must become {METADATA}, since pods share ML Metadata in "
            f"MySQL or PostgreSQL: write `secrets: {{beltline: {{{METADATA}: {METADATA}}}}}`, "
            "where the secret `beltline` of the cluster holds the connection under that key"
        )
    if has_query and DATABASE not in variables:
        raise WrongInput(
            f"kubeflow.secrets: one entry must become {DATABASE}, the database of data.query: "
            f"write `secrets: {{…, parts: {{{DATABASE}: {DATABASE}}}}}`, where the secret `parts` "
            "of the cluster holds the connection under that key"
        )


def write(folder: Path, bundle: Bundle, kubeflow: dict[str, Any]) -> Path:
    """Writes the package into `folder`, at once, and returns its file.

    Args:
      folder: where to write.
      bundle: the bundle that the package runs.
      kubeflow: the settings' section of that name.

    Raises:
      WrongInput: the settings lack what a pod needs, or the bundle is too large for the package.
    """
    check(kubeflow)
    chosen = _resolved(kubeflow, bundle.manifest.name)
    text = None if chosen["bundle"] == "volume" else _delivered(folder, bundle, chosen)
    handle, staged = tempfile.mkstemp(prefix=".", suffix=".yaml", dir=folder)
    os.close(handle)
    try:
        with warnings.catch_warnings():
            # They are about what kfp does itself.
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(_pipeline(bundle.manifest, chosen, text), staged)
        Path(staged).chmod(0o644)
        return Path(staged).replace(folder / PACKAGE)
    finally:
        Path(staged).unlink(missing_ok=True)


def _resolved(kubeflow: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns the section with every place filled in, and the pipeline's name."""
    mount = kubeflow["mount_path"]
    places = {key: kubeflow[key] or mount for key in ("root", "data")}
    return {**kubeflow, **places, "name": name}


def bundle_path(manifest: Manifest, chosen: dict[str, Any]) -> str:
    """Returns where a pod finds the bundle."""
    return f"{chosen['mount_path']}/bundles/{manifest.digest[:16]}"


def _delivered(folder: Path, bundle: Bundle, chosen: dict[str, Any]) -> str:
    text = encoded(bundle)
    if len(text) > BUNDLE_BYTES:
        raise WrongInput(
            f"kubeflow.bundle: the bundle takes {len(text):,} bytes within the package, which has "
            f"room for {BUNDLE_BYTES:,}: write `bundle: volume`, and copy "
            f"{folder / 'bundles' / bundle.path.name} to the volume of kubeflow.volume_claim, "
            f"where pods find it as {bundle_path(bundle.manifest, chosen)}"
        )
    return text


def _pipeline(manifest: Manifest, chosen: dict[str, Any], text: str | None) -> Any:
    inputs = {parameter_name(name): each for name, each in manifest.parameters.items()}
    typed = {name: (_TYPES[each.type], each.default) for name, each in inputs.items()}

    def tasks(channels: Channels) -> None:
        with dsl.ExitHandler(_report(manifest, chosen), name="nodes"):
            first = _unpack(manifest, chosen, text) if text else None
            _nodes(manifest, chosen, channels, first)

    function = _function(manifest.name, {**typed, FORCE: (str, "")}, tasks)
    name = manifest.name.replace("_", "-").lower()
    return dsl.pipeline(name=name, display_name=manifest.name)(function)


def _nodes(
    manifest: Manifest, chosen: dict[str, Any], channels: Channels, first: dsl.PipelineTask | None
) -> None:
    made: dict[str, dsl.PipelineTask] = {}
    for node in manifest.nodes:
        task = _node(manifest, node, chosen)(**{_RUN: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **channels)
        pods.set_up_node(task, node.id, node.resources, chosen)
        before = [made[each] for each in node.upstream]
        task.after(*(before or ([first] if first else [])))
        made[node.id] = task


def _node(manifest: Manifest, node: Node, chosen: dict[str, Any]) -> Any:
    inputs: dict[str, type] = {_RUN: str}
    inputs |= {parameter_name(n): _TYPES[each.type] for n, each in manifest.parameters.items()}

    def arguments(values: Channels) -> list[Any]:
        given = [f"{name}={values[parameter_name(name)]}" for name in manifest.parameters]
        return [
            *("--bundle", bundle_path(manifest, chosen), "--node", node.id, "--run", values[_RUN]),
            *(word for each in given for word in ("--param", each)),
            f"--force={values[FORCE]}",
        ]

    return _component(node.id, "task", {**inputs, FORCE: str}, arguments, chosen)


def _unpack(manifest: Manifest, chosen: dict[str, Any], text: str) -> dsl.PipelineTask:
    path = Path(bundle_path(manifest, chosen))
    words = ["--bundles", str(path.parent), "--bundle", path.name, text]
    task = _component("unpack", "unpack", {}, lambda _: words, chosen)()
    pods.set_up_unpack(task, chosen)
    return task


def _report(manifest: Manifest, chosen: dict[str, Any]) -> dsl.PipelineTask:
    path = bundle_path(manifest, chosen)
    make = _component(
        *("report", "report", {_RUN: str}),
        lambda values: ["--bundle", path, "--run", values[_RUN]],
        chosen,
    )
    task = make(**{_RUN: dsl.PIPELINE_JOB_ID_PLACEHOLDER})
    pods.set_up_report(task, chosen)
    return task


def _component(
    name: str,
    module: str,
    inputs: Mapping[str, type],
    arguments: Callable[[Channels], Sequence[Any]],
    chosen: dict[str, Any],
) -> Any:
    def container(values: Channels) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=chosen["image"],
            command=["python", "-m", f"runners.kubeflow.{module}"],
            args=list(arguments(values)),
        )

    typed = {each: (kind, inspect.Parameter.empty) for each, kind in inputs.items()}
    return dsl.container_component(_function(name, typed, container))


def _function(
    name: str, inputs: Mapping[str, tuple[type, Any]], body: Callable[[Channels], Any]
) -> Callable[..., Any]:
    """Returns a function as kfp reads one: its name, and its inputs with types and defaults."""

    def function(*values: Any) -> Any:
        return body(dict(zip(inputs, values, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__name__ = name
    # mypy knows no `__signature__` of a function; kfp reads its inputs there.
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(each, kind, annotation=annotation, default=default)
            for each, (annotation, default) in inputs.items()
        ]
    )
    return function
