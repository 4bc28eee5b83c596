"""Which charts the page has: what each shows, in a title, a sentence, and series."""

from collections.abc import Mapping
from typing import Any

from beltline.runners.report.charts import Chart, Series


def training(curve: Mapping[str, Any]) -> Chart:
    """Returns the losses of one learner's training, as `curves_in` has them."""
    ends = [f"{split} {curve[split][-1][1]:.4g}" for split in _splits(curve)]
    return Chart(
        title=f"Loss of {curve['learner'] or 'the model'} while it was trained",
        about=f"At the end: {', '.join(ends)}.",
        across="epoch" if curve["learner"] != "trees" else "trees",
        up="loss",
        series=[Series(split, curve[split]) for split in _splits(curve)],
    )


def _splits(curve: Mapping[str, Any]) -> list[str]:
    return [split for split in ("train", "validation") if curve[split]]
