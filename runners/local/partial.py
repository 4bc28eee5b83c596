"""Part of a pipeline: the nodes of `--from` and `--to`, and the results that they build on."""

from collections.abc import Sequence

from beltline.base.errors import WrongInput
from beltline.bundle.folder import Bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.choices import check_choice
from beltline.runners.metadata.connection import connection_config
from beltline.runners.metadata.store import Lineage
from beltline.runners.paths import Paths


def check_node(nodes: Sequence[str], option: str, node: str) -> None:
    """Checks that `node`, the value of an option, is one of `nodes`.

    Raises:
      WrongInput: it is not; the message has the nearest name.
    """
    check_choice(f"{option} {node}: node not found", node, nodes)


def nodes_between(manifest: Manifest, start: str | None, end: str | None) -> list[str]:
    """Returns the nodes to run, in order: downstream of `start` and upstream of `end`, inclusive.

    Raises:
      WrongInput: no path leads from `start` to `end`.
    """
    for flag, node in (("--from", start), ("--to", end)):
        if node:
            check_node([each.id for each in manifest.nodes], flag, node)
    upstream = {node.id: set(node.upstream) for node in manifest.nodes}
    order = list(upstream)
    after = _closure(order, upstream, start) if start else set(order)
    downstream = {node: {n for n in order if node in upstream[n]} for node in order}
    before = _closure(order[::-1], downstream, end) if end else set(order)
    chosen = [node for node in order if node in after and node in before]
    if not chosen:
        raise WrongInput(f"--from {start} --to {end}: no path leads from the one to the other")
    return chosen


def _closure(order: Sequence[str], neighbours: dict[str, set[str]], start: str) -> set[str]:
    reached = {start}
    for node in order:
        if neighbours[node] & reached:
            reached.add(node)
    return reached


def reuse_results(bundle: Bundle, paths: Paths, run: str, nodes: list[str]) -> None:
    """Reuses the latest run's results of the nodes upstream of `nodes` in `run`.

    Needs TFX, and uses its partial runs.

    Raises:
      WrongInput: there is no earlier run, or an upstream node has no result in it.
    """
    from tfx.orchestration import metadata
    from tfx.orchestration.portable import partial_run_utils, runtime_parameter_utils
    from tfx.proto.orchestration import pipeline_pb2

    runs = Lineage(paths.metadata, bundle.manifest.name).runs()
    if not runs:
        raise WrongInput("--from: no earlier run to build on; run once without it")
    pipeline = pipeline_pb2.Pipeline.FromString(bundle.pipeline())
    values = {"pipeline-root": str(paths.artifacts), "pipeline-run-id": run}
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {**bundle.manifest.defaults(), **values}
    )
    first, last = nodes[0], nodes[-1]
    partial_run_utils.mark_pipeline(pipeline, from_nodes=[first], to_nodes=[last])
    try:
        with metadata.Metadata(connection_config(paths.metadata)) as handle:
            partial_run_utils.snapshot(handle, pipeline, base_run_id=runs[-1])
    except (LookupError, ValueError) as error:
        raise WrongInput(
            f"--from {first}: the latest run {runs[-1]} has no result to build on: {error}"
        ) from None
