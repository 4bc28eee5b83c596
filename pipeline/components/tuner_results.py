"""What the trials of a search gave: a table for programs and a page for people.

Any oracle of KerasTuner's will do. The page is one file that needs no other.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2

TABLE = "trials.json"
PAGE = "trials.html"

_EPOCHS = "tuner/epochs"
_WIDTH, _HEIGHT, _MARGIN = 720.0, 260.0, 44.0

Row = dict[str, Any]


def rows_of(oracle: Any) -> list[Row]:
    """Returns a row for each trial, in the order of their starts.

    Each has `trial`, `state` (`completed` or `failed`), the score under its name (not if it
    failed), whether it is `untuned` (all values are the defaults) and `best`, `epochs` where trials
    differ in them, `seconds` where they are known, the values under `hyperparameters`, and `reason`
    where it failed.
    """
    best = oracle.get_best_trials(1)[0].trial_id
    return [
        _row(oracle.trials[number], oracle.objective.name, number == best)
        for number in oracle.start_order
    ]


def _row(trial: Any, objective: str, best: bool) -> Row:
    values = trial.hyperparameters.values
    untuned = all(values.get(each.name) == each.default for each in trial.hyperparameters.space)
    seconds = trial.metrics.exists("seconds") and trial.metrics.get_best_value("seconds")
    row = {
        "trial": int(trial.trial_id),
        "state": trial.status.lower(),
        objective: trial.score,
        "untuned": untuned,
        "best": best,
        "epochs": values.get(_EPOCHS),
        "seconds": round(seconds, 1) if seconds else None,
        "hyperparameters": {k: v for k, v in values.items() if not k.startswith("tuner/")},
        "reason": trial.message and trial.message.strip().splitlines()[-1],
    }
    return {name: value for name, value in row.items() if value is not None}


def write_rows(rows: Sequence[Row], folder: Path) -> None:
    """Writes the rows as JSON."""
    text = json.dumps(rows, indent=1, ensure_ascii=False)
    (folder / TABLE).write_text(text + "\n", encoding="utf-8")


def write_page(rows: Sequence[Row], objective: str, folder: Path) -> None:
    """Writes the page: a plot of the trials, by the name of their score, and their table."""
    template = jinja2.Environment(autoescape=True).from_string(_PAGE)
    names = list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))
    text = template.render(
        rows=rows,
        names=names,
        columns=[key for key in ("epochs", "seconds") if any(key in row for row in rows)],
        objective=objective,
        dots=list(_dots(rows, objective)),
        ticks=list(_ticks(rows, objective)),
        width=_WIDTH,
        height=_HEIGHT,
        margin=_MARGIN,
    )
    (folder / PAGE).write_text(text, encoding="utf-8")


def _scored(rows: Sequence[Row], objective: str) -> list[tuple[Row, float]]:
    return [(row, float(row[objective])) for row in rows if objective in row]


def _height_of(score: float, scores: Iterable[float]) -> float:
    """Returns how far below the plot's upper edge a score stands."""
    low, high = min(scores), max(scores)
    share = (score - low) / (high - low) if high > low else 0.5
    return _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)


def _dots(rows: Sequence[Row], objective: str) -> Iterable[dict[str, Any]]:
    scored = _scored(rows, objective)
    scores = [score for _, score in scored]
    step = (_WIDTH - 2 * _MARGIN) / max(1, len(rows) - 1)
    for row, score in scored:
        kind = "best" if row["best"] else "untuned" if row["untuned"] else "trial"
        x, y = _MARGIN + rows.index(row) * step, _height_of(score, scores)
        yield {"x": round(x, 1), "y": round(y, 1), "kind": kind, "row": row, "score": score}


def _ticks(rows: Sequence[Row], objective: str) -> Iterable[tuple[float, str]]:
    scores = [score for _, score in _scored(rows, objective)]
    for score in sorted({min(scores), (min(scores) + max(scores)) / 2, max(scores)}):
        yield round(_height_of(score, scores), 1), f"{score:.4g}"


_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trials</title>
<style>
  :root { color-scheme: light dark; --soft: #8590a0; --dot: #7a9cc6; --untuned: #c77d11;
          --best: #1a8a4a; }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
         padding: 0 1rem; }
  h1 { font-size: 1.3rem; }
  svg { width: 100%; height: auto; }
  text { fill: currentColor; font-size: 12px; }
  line { stroke: var(--soft); stroke-opacity: .4; }
  .trial { fill: var(--dot); } .untuned { fill: var(--untuned); } .best { fill: var(--best); }
  .table { overflow-x: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
  th { text-align: left; font-weight: normal; color: var(--soft); }
  td, th { padding: .15rem .8rem .15rem 0; white-space: nowrap; }
  tr.best td { font-weight: 600; }
</style>
{% set best = rows|selectattr("best")|first %}
{% set untuned = rows|selectattr("untuned")|first %}
<h1>{{ rows|length }} trials: {{ objective }} {{ "%.6g"|format(best[objective]) }} at best
{%- if untuned %}, {{ "%.6g"|format(untuned[objective]) }} untuned{% endif %}</h1>
<svg viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="{{ objective }} of each trial">
{% for y, text in ticks %}
  <line x1="{{ margin }}" x2="{{ width - margin }}" y1="{{ y }}" y2="{{ y }}"/>
  <text x="{{ margin - 6 }}" y="{{ y + 4 }}" text-anchor="end">{{ text }}</text>
{% endfor %}
{% for dot in dots %}
  <circle class="{{ dot.kind }}" cx="{{ dot.x }}" cy="{{ dot.y }}" r="5"><title>trial
{{ dot.row.trial }}: {{ "%.6g"|format(dot.score) }}</title></circle>
{% endfor %}
  <text x="{{ width / 2 }}" y="{{ height - 8 }}" text-anchor="middle">trials, in the order of their
starts; orange: untuned, green: best</text>
</svg>
<div class="table"><table>
<tr><th>trial</th><th>{{ objective }}</th>
{% for name in columns + names %}<th>{{ name }}</th>{% endfor %}<th></th></tr>
{% for row in rows %}
<tr{% if row.best %} class="best"{% endif %}><td>{{ row.trial }}</td>
<td>{{ "%.6g"|format(row[objective]) if objective in row else row.state }}</td>
{% for name in columns %}<td>{{ row[name] }}</td>{% endfor %}
{% for name in names %}{% set value = row.hyperparameters[name] %}
<td>{{ "%.4g"|format(value) if value is float else value }}</td>{% endfor %}
<td>{{ "untuned" if row.untuned }} {{ "best" if row.best }} {{ row.reason }}</td></tr>
{% endfor %}
</table></div>
</html>
"""
