"""The report as one self-contained HTML page, from the templates in `templates/`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from beltline.runners.report import charts, dependence, graph, histograms, pictures
from beltline.runners.report.charts import drawn
from beltline.runners.report.content import RunReport
from beltline.runners.report.evaluation import by_harm

_BAD = ("failed", "refused")
_MOST = 40


def page(report: RunReport) -> str:
    """Returns the page as HTML, with the first forty lines of long lists."""
    return _rendered("page.html", report)


def sections(report: RunReport, names: Sequence[str]) -> str:
    """Returns some sections as HTML, without a page around them.

    Args:
      report: what they show.
      names: the names of their templates, such as `columns`, in the order to show them.
    """
    return _rendered("sections.html", report, sections=names)


def style() -> str:
    """Returns the stylesheet of the page."""
    return (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")


def environment(package: str) -> Environment:
    """Returns Jinja's environment of a package's `templates`, which escapes what they are given."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rendered(template: str, report: RunReport, **more: Any) -> str:
    made = environment(__package__)
    made.filters |= {
        "local": _local,
        "metric": metric,
        "seconds": _seconds,
        "shown": _shown,
        "count": _count,
        "share": _share,
        "axis": charts.short,
        "interval": _interval,
    }
    depends = dependence.shown(report.dependence, report.curves.get("classes", []))
    return made.get_template(template).render(
        report=report,
        bad=[node for node in report.nodes if node["state"] in _BAD],
        spans=_spans(report),
        trial_columns=list(dict.fromkeys(name for trial in report.trials for name in trial)),
        longest=_longest(report.evaluation.importance),
        most=_MOST,
        graph=graph.picture(report.upstream) if report.upstream else None,
        states={node["node"]: node for node in report.nodes},
        curves=[
            (chart, drawn(chart, f"curve-{number}"))
            for number, chart in enumerate(pictures.curves(report.curves))
        ],
        slices=by_harm(report.evaluation),
        depends=depends,
        dependence=[
            (each, drawn(each.chart, f"dependence-{number}") if each.chart else None)
            for number, each in enumerate(depends.columns if depends else [])
        ],
        outlines=histograms.outlines,
        shares=histograms.shares,
        training=[
            drawn(pictures.training(curve), f"training-{number}")
            for number, curve in enumerate(report.training)
        ],
        **more,
    )


def _spans(report: RunReport) -> dict[str, tuple[float, float]]:
    """Returns the start and the length of each node, in percent of the run."""
    timed = [node for node in report.nodes if node["started"] and node["seconds"] is not None]
    if not timed:
        return {}
    begins = {node["node"]: datetime.fromisoformat(node["started"]).timestamp() for node in timed}
    first = min(begins.values())
    whole = max(begins[node["node"]] - first + node["seconds"] for node in timed) or 1
    return {
        node["node"]: (
            100 * (begins[node["node"]] - first) / whole,
            max(0.5, 100 * node["seconds"] / whole),
        )
        for node in timed
    }


def _longest(importance: Mapping[str, Any]) -> float:
    """Returns the value that fills a bar."""
    columns: Iterable[Mapping[str, float]] = importance.get("columns", [])
    return max((each["loss"] + each["deviation"] for each in columns), default=0) or 1


def _local(time: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(time or '').astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return "-"


def metric(value: float | None, sign: bool = False) -> str:
    """Returns a metric, or the difference of two with its `sign`, as text; `-` for None."""
    if value is None:
        return "-"
    if not sign and value > 1 and float(value).is_integer():
        return f"{value:,.0f}"
    # A value that rounds to zero has no sign.
    text = f"{value:+,.4f}" if sign else f"{value:,.4f}"
    return text.lstrip("+-") if not float(text.replace(",", "")) else text


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _count(value: int) -> str:
    return f"{value:,}"


def _interval(ends: Sequence[float] | None) -> str:
    return f"{metric(ends[0])} to {metric(ends[1])}" if ends else "-"


def _share(value: float | None) -> str:
    """Returns a share in percent; what is not nothing does not look like nothing."""
    if value is None:
        return "-"
    return "<0.1%" if 0 < value < 0.0005 else f"{100 * value:.1f}%".replace(".0%", "%")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
