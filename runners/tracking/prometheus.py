"""Writes a run for the textfile collector of Prometheus' node_exporter (`tracking.prometheus`).

To add a metric, add it to `registry`; the names follow Prometheus' own rules.
"""

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from beltline.base.settings.tracking import Tracking
from beltline.runners.tracking.ended import EndedRun

_ENDS = ("done", "failed", "refused")


def track(ended: EndedRun, tracking: Tracking) -> None:
    """Replaces the file by this run's figures, atomically.

    Raises:
      OSError: the file can't be written.
    """
    file = ended.root / str(tracking.prometheus)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(file), registry(ended))


def registry(ended: EndedRun) -> CollectorRegistry:
    """Returns the metrics of a run."""
    made = CollectorRegistry()
    _run(ended, made)
    seconds = _gauge(made, "node_seconds", "How long a node took.", "node", "state")
    gates = _gauge(made, "gate_passed", "1 if a gate passed, 0 if it refused.", "gate", "node")
    kinds = {node.id: node.gate for node in ended.manifest.nodes if node.gate}
    for node in ended.described["nodes"]:
        name, state = node["node"], node["state"]
        if node["seconds"] is not None:
            seconds.labels(ended.pipeline, name, state).set(node["seconds"])
        if name in kinds and state in ("done", "cached", "refused"):
            gates.labels(ended.pipeline, kinds[name], name).set(state != "refused")
    return made


def _run(ended: EndedRun, made: CollectorRegistry) -> None:
    name, run = ended.pipeline, ended.described
    ends = _gauge(made, "run_end", "How the last run ended: 1 for that end.", "end")
    for end in _ENDS:
        ends.labels(name, end).set(end == ended.result.end)
    ended_at = max((node.ended for node in ended.nodes.values()), default=None)
    if ended_at is not None:
        when = _gauge(made, "run_end_timestamp_seconds", "When the last run ended.")
        when.labels(name).set(ended_at)
    if run["seconds"] is not None:
        took = _gauge(made, "run_seconds", "How long the last run took.")
        took.labels(name).set(run["seconds"])
    if run["version"].isdecimal():
        pushed = _gauge(made, "pushed_version", "The version that the last run pushed.")
        pushed.labels(name).set(int(run["version"]))


def _gauge(made: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"beltline_{name}", text, ("pipeline", *labels), registry=made)
