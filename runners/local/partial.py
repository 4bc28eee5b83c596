"""Part of a pipeline: which nodes `--from` and `--to` mean, and the results that they build on."""

import difflib
from collections.abc import Sequence

from beltline.base.errors import WrongInput
from beltline.bundle.folder import Bundle
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import Lineage, connection_config
from beltline.runners.paths import Paths


def check_node(nodes: Sequence[str], flag: str, node: str) -> None:
    """Raises WrongInput if `node` is none of `nodes`; the message has the nearest name."""
    if node not in nodes:
        folded = {name.lower(): name for name in nodes}
        close = difflib.get_close_matches(node.lower(), folded, n=1, cutoff=0.5)
        hint = f"; did you mean {folded[close[0]]}?" if close else ""
        raise WrongInput(f"{flag} {node}: no such node{hint} (nodes: {', '.join(nodes)})")


def nodes_between(manifest: Manifest, start: str | None, end: str | None) -> list[str]:
    """Returns the nodes to run, in order: what follows `start` and leads to `end`, both included.

    Raises:
      WrongInput: there is no such node, or no way from the one to the other.
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
        raise WrongInput(f"--from {start} --to {end}: no way leads from the one to the other")
    return chosen


def _closure(order: Sequence[str], neighbours: dict[str, set[str]], start: str) -> set[str]:
    reached = {start}
    for node in order:
        if neighbours[node] & reached:
            reached.add(node)
    return reached


def reuse_results(bundle: Bundle, paths: Paths, run: str, nodes: list[str]) -> None:
    """Takes over into `run` what the nodes before `nodes` gave in the latest run.

    Needs TFX, and does it with TFX's own partial runs.

    Raises:
      WrongInput: a node before them has no result there.
    """
    from tfx.orchestration import metadata
    from tfx.orchestration.portable import partial_run_utils, runtime_parameter_utils
    from tfx.proto.orchestration import pipeline_pb2

    runs = Lineage(paths.metadata, bundle.manifest.name).runs()
    if not runs:
        raise WrongInput("--from: there is no earlier run to build on; run without it once")
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
