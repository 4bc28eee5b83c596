"""The lineage of a version as a picture, from the data to the answers, and each box in words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beltline.runners.metadata.origin import Origin
from beltline.runners.report.graph import Graph, picture
from beltline.versions.folder import Version

_SHORT = 12
_READ = ("train", "validation", "eval")


@dataclass(frozen=True)
class Step:
    """A box: its name, what stands below it, the boxes before it, and facts by name."""

    name: str
    note: str
    after: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Drawing:
    """The steps in the order in which they follow each other, and where their boxes are."""

    steps: list[Step]
    graph: Graph


def drawing(made: Origin, version: Version, state: str) -> Drawing:
    """Returns the picture.

    Args:
      made: the version's origin.
      version: its card.
      state: live, previous, waiting or empty.
    """
    steps = list(_steps(made, version, state))
    return Drawing(steps, picture({step.name: step.after for step in steps}))


def _steps(made: Origin, version: Version, state: str) -> Iterator[Step]:
    rows = made.data.get("rows", {})
    source = {name: made.data.get(name) for name in ("path", "query", "span", "digest")}
    yield Step("Data", _short(made.data.get("digest")), (), _facts(source))
    read = sum(rows.get(name, 0) for name in _READ)
    yield _node("Examples", f"{read:,} rows", ("Data",), made, "ExampleGen", rows)
    digest = made.schema.get("digest")
    yield _node("Schema", _short(digest), (), made, "Schema", {"digest": digest})
    gates = "Data gate" if "DataGate" in made.executions else ""
    if gates:
        yield _node(gates, "passed", ("Examples", "Schema"), made, "DataGate")
    before = ("Data gate",) if gates else ("Examples", "Schema")
    yield _node("Transform", "", before, made, "Transform")
    yield from _trained(made, version)
    yield from _judged(made, version)
    served = "Refit" if version.refit else "Model"
    facts = _facts({"pushed": version.pushed, "digest": version.digest})
    yield Step(f"Version {version.number}", state, ("Blessing", served), facts)
    if state == "live":
        yield Step("Answers", "of the server", (f"Version {version.number}",), {})


def _trained(made: Origin, version: Version) -> Iterator[Step]:
    before: tuple[str, ...] = ("Transform",)
    tuned = made.hyperparameters.get("tuned")
    if tuned:
        yield _node("Tuner", "", before, made, "Tuner", tuned)
        before = ("Tuner",)
    settings = {
        f"{section}.{name}": value
        for section, values in made.hyperparameters.items()
        if section != "tuned"
        for name, value in values.items()
    }
    facts = {"code": made.code, "bundle": made.bundle, **settings}
    yield _node("Model", _execution(made, "Trainer"), before, made, "Trainer", facts)
    if version.refit:
        yield _node("Refit", "rows of all splits", ("Model",), made, "Refit")


def _judged(made: Origin, version: Version) -> Iterator[Step]:
    before: tuple[str, ...] = ("Model",)
    if made.champion:
        number = made.champion.version
        note = f"version {number}" if number else "version unknown"
        yield Step("Champion", note, (), _facts(made.champion.metrics))
        before = ("Model", "Champion")
    rows = made.metrics.get("rows")
    note = f"{rows:,.0f} rows" if rows else ""
    yield _node("Evaluation", note, before, made, "Evaluator", made.metrics)
    blessed = "blessed" if version.blessed else "not blessed"
    check = _execution(made, "ServingCheck")
    yield Step("Blessing", blessed, ("Evaluation",), _facts({"serving check": check}))


def _node(
    name: str,
    note: str,
    after: tuple[str, ...],
    made: Origin,
    node: str,
    facts: Mapping[str, Any] | None = None,
) -> Step:
    """Returns the step of a node, with its execution and artifacts among the facts."""
    artifacts = made.artifacts.get(node, [])
    ran = {"node": f"{node}, {_execution(made, node)}" if node in made.executions else None}
    return Step(
        name, note, after, _facts({**(facts or {}), **ran, "artifacts": "\n".join(artifacts)})
    )


def _execution(made: Origin, node: str) -> str:
    return f"execution {made.executions[node]}" if node in made.executions else ""


def _facts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items() if value not in (None, "")}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def _short(digest: Any) -> str:
    return str(digest or "")[:_SHORT]
