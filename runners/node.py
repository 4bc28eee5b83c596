"""The node runner: one node of a bundle, anywhere.

`python -m runners.node --bundle DIR --node ID --run ID [--param k=v]…`; every runner calls this,
or `run_node` in a process that has imported TFX already. The last line on stdout is one JSON object
(see `outcome.py`).
"""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bundle.environment import check_lock
from bundle.errors import BeltlineError, GateRefused
from bundle.folder import Bundle, open_bundle
from runners.metadata import BUNDLE, REASON, REFUSED, Lineage, connection_config
from runners.outcome import Outcome, read_back
from runners.places import Places

log = logging.getLogger("beltline.node")


class NodeStopped(Exception):
    """The node was asked to stop; an Exception, since TFX marks an execution failed for no less."""


def run_node(
    bundle: Bundle,
    node: str,
    run: str,
    places: Places,
    parameters: Mapping[str, str] | None = None,
    force: bool = False,
) -> Outcome:
    """Runs one node in this process and returns how it ended, as ML Metadata has it.

    Nodes after a gate that refused are skipped. `force` runs it even where a result is cached.
    SIGTERM and SIGINT mark the execution failed before this returns.

    Raises:
      WrongInput: the bundle doesn't fit this environment, or has no such node.
    """
    check_lock(bundle.manifest.lock)
    lineage = Lineage(places.metadata, bundle.manifest.name)
    refused = _refused_before(bundle, node, run, lineage)
    if refused:
        return Outcome(node, "skipped", reason=f"{refused} refused")
    os.environ.update(places.environment())
    sys.path.insert(0, str(bundle.code))
    stopped = _stop_on_signals()
    error, gate = "", False
    try:
        _launch(bundle, node, run, places, parameters or {}, force)
    except GateRefused as refusal:
        error, gate = str(refusal), True
    except Exception as failure:
        # Beam wraps what a component raised, and its own text is long: the log has all of it.
        log.exception("%s failed", node)
        error = _plain(failure)
    error = stopped[0] if stopped else error
    return _conclude(lineage, bundle, node, run, error, gate and not stopped)


def _conclude(
    lineage: Lineage, bundle: Bundle, node: str, run: str, error: str, gate: bool
) -> Outcome:
    found = lineage.node(run, node)
    if found and error:
        lineage.fail(found.execution_id, error)
        lineage.annotate(found.execution_id, **{REASON: error, REFUSED: "yes" if gate else ""})
    if found:
        lineage.annotate(found.execution_id, **{BUNDLE: bundle.manifest.digest})
    return read_back(lineage.node(run, node), node, error)


def _refused_before(bundle: Bundle, node: str, run: str, lineage: Lineage) -> str:
    """Returns the gate upstream of `node` that refused in this run, if one did."""
    upstream = list(bundle.manifest.node(node).upstream)
    while upstream:
        before = bundle.manifest.node(upstream.pop())
        if before.gate and read_back(lineage.node(run, before.id), before.id).state == "refused":
            return before.id
        upstream += before.upstream
    return ""


def _launch(
    bundle: Bundle,
    node: str,
    run: str,
    places: Places,
    parameters: Mapping[str, str],
    force: bool,
) -> None:
    # These take seconds to import, and a node that is skipped needs none of them.
    from tfx.orchestration import metadata
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import launcher, runtime_parameter_utils
    from tfx.proto.orchestration import pipeline_pb2

    pipeline = pipeline_pb2.Pipeline.FromString(bundle.pipeline())
    values = {"pipeline-root": str(places.artifacts), "pipeline-run-id": run}
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {**bundle.manifest.parameters, **values, **parameters}
    )
    spec = next(n.pipeline_node for n in pipeline.nodes if n.pipeline_node.node_info.id == node)
    if force:
        spec.execution_options.caching_options.enable_cache = False
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    launcher.Launcher(
        pipeline_node=spec,
        mlmd_connection=metadata.Metadata(connection_config(places.metadata)),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node),
    ).launch()


def _stop_on_signals() -> list[str]:
    """Makes SIGTERM and SIGINT raise; returns a list that then holds what happened."""
    stopped: list[str] = []

    def stop(number: int, _: Any) -> None:
        # Once is enough: a second one must not disturb the marking of the execution.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped.append(f"stopped by {signal.Signals(number).name}")
        raise NodeStopped(stopped[0])

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped


def _plain(failure: BaseException) -> str:
    """Returns the innermost of our own messages, or what was raised in one line."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, BeltlineError):
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    text = str(failure).split(" [while running")[0].strip()
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


def _parse(parameter: str) -> tuple[str, str]:
    name, equals, value = parameter.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"'{parameter}' must read name=value")
    return name, value


def set_up_logging() -> None:
    """Our own lines from INFO on, everybody else's from WARNING on, to stderr."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=form, force=True)
    logging.getLogger("beltline").setLevel(logging.INFO)
    # TFX warns here of what is meant: that the bundle names no metadata store.
    logging.getLogger("absl").setLevel(logging.ERROR)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--node", required=True, help="The node's id.")
@click.option("--run", required=True, help="The run's id.")
@click.option("--param", "parameters", multiple=True, help="A runtime parameter, as name=value.")
@click.option("--force", is_flag=True, help="Run it even where a result is cached.")
def main(folder: Path, node: str, run: str, parameters: tuple[str, ...], force: bool) -> None:
    """Run one node of a bundle."""
    set_up_logging()
    try:
        bundle = open_bundle(folder)
        if node not in [each.id for each in bundle.manifest.nodes]:
            raise click.BadParameter(f"the bundle has no node '{node}'")
        places = Places.from_environment()
        outcome = run_node(bundle, node, run, places, dict(map(_parse, parameters)), force)
    except BeltlineError as error:
        outcome = Outcome(node, "failed", reason=str(error))
    if outcome.reason:
        click.echo(f"{node} {outcome.state}: {outcome.reason}", err=True)
    click.echo(outcome.line())
    sys.stdout.flush()
    sys.stderr.flush()
    # Beam's and gRPC's threads may outlive the work; nothing is left for them to do.
    os._exit(outcome.exit_code)


if __name__ == "__main__":
    main()
