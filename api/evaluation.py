"""What the Evaluator found: metrics, thresholds, slices, curves and importance."""

from typing import TYPE_CHECKING, Any

from beltline.api import display
from beltline.runners.report import RunReport
from beltline.runners.report.evaluation import by_harm

if TYPE_CHECKING:
    import pandas as pd


class Evaluation:
    """The Evaluator's result in a run. It is false where no model was evaluated.

    Attributes:
      blessed: whether the model may be pushed; None where that was not decided.
      champion: the version that it was compared with; empty if none.
      metric: the name of the metric that slices and importance are about.
    """

    def __init__(self, report: RunReport) -> None:
        """Takes it from the report about the run."""
        self._report = report
        self._found = report.evaluation
        self.blessed = self._found.blessed
        self.champion = self._found.champion
        self.metric = self._found.metric

    @property
    def metrics(self) -> dict[str, float | None]:
        """The metrics over all rows of the eval split by name; None for one that is undefined."""
        return {each.metric: each.value for each in self._found.metrics}

    @property
    def thresholds(self) -> dict[str, list[str]]:
        """What each metric must be, in words; without those that have no threshold."""
        return {each.metric: each.bounds for each in self._found.metrics if each.bounds}

    @property
    def missed(self) -> list[str]:
        """The metrics that miss a threshold."""
        return [each.metric for each in self._found.metrics if each.missed]

    @property
    def frame(self) -> "pd.DataFrame":
        """A row for each metric, by its name.

        `value`, and the ends of its 95 % interval, `low` and `high`; the same of the champion on
        the same rows, and the `difference` from it.
        """
        import pandas as pd

        rows = [
            {
                "metric": each.metric,
                "value": each.value,
                **dict(zip(("low", "high"), each.interval or (None, None), strict=True)),
                "champion": each.champion,
                **dict(
                    zip(
                        ("champion_low", "champion_high"),
                        each.champion_interval or (None, None),
                        strict=True,
                    )
                ),
                "difference": each.difference,
            }
            for each in self._found.metrics
        ]
        names = ["value", "low", "high", "champion", "champion_low", "champion_high", "difference"]
        frame = pd.DataFrame(rows, columns=["metric", *names]).set_index("metric")
        return frame.astype(float)

    @property
    def slices(self) -> "pd.DataFrame":
        """A row for each slice, by `slice`, those that weigh most first.

        `rows`, `value` of the metric, `gap` to all rows (above zero where the slice is worse), and
        `harm`: the gap times the slice's share of the rows.
        """
        import pandas as pd

        names = ["slice", "rows", "value", "champion", "interval", "gap", "harm"]
        return pd.DataFrame(by_harm(self._found), columns=names).set_index("slice")

    @property
    def importance(self) -> "pd.DataFrame":
        """A row for each column of the data, by `column`: how much the metric loses without it.

        `loss` and `deviation` are mean and standard deviation of several permutations.
        """
        import pandas as pd

        columns = self._found.importance.get("columns", [])
        return pd.DataFrame(columns, columns=["column", "loss", "deviation"]).set_index("column")

    @property
    def threshold(self) -> float | None:
        """The probability from which on a binary model says yes; None for other models."""
        found: float | None = self._report.curves.get("threshold")
        return found

    @property
    def curves(self) -> dict[str, Any]:
        """ROC, precision and recall, calibration, confusion of `candidate` and `baseline`.

        As `read_curves` in runners/report/curves.py has them; empty where there are none.
        """
        return self._report.curves

    def __bool__(self) -> bool:
        return bool(self._found.metrics)

    def __repr__(self) -> str:
        if not self:
            return display.missing(self._report, "metrics")
        said = {True: "blessed", False: "not blessed", None: "not judged"}[self.blessed]
        compared = f", compared with version {self.champion}" if self.champion else ""
        lines = [
            f"{name} {display.number(value)}"
            + (f" (must be {', '.join(self.thresholds[name])})" if name in self.thresholds else "")
            for name, value in self.metrics.items()
        ]
        return "\n".join([f"<Evaluation: {said}{compared}>", *lines])

    def _repr_html_(self) -> str:
        return display.sections(self._report, "metrics", "curves", "slices")
