"""The training curves of a run's learners."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from beltline.api import display
from beltline.runners.report import RunReport

if TYPE_CHECKING:
    import pandas as pd

_SPLITS = ("train", "validation")


class TrainingCurves(Sequence[dict[str, Any]]):
    """The curves, one for each learner: `learner`, and `[step, loss]` points by split.

    A long curve has four hundred points, taken evenly, and its last.
    """

    def __init__(self, report: RunReport) -> None:
        """Takes them from the report about the run."""
        self._report = report

    @property
    def frame(self) -> "pd.DataFrame":
        """A row for each point: `learner`, `split`, `step` and `loss`."""
        import pandas as pd

        points = [
            (curve["learner"] or "model", split, int(step), loss)
            for curve in self
            for split in _SPLITS
            for step, loss in curve[split]
        ]
        return pd.DataFrame(points, columns=["learner", "split", "step", "loss"])

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, key: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._report.training[key]

    def __len__(self) -> int:
        return len(self._report.training)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._report.training)

    def __repr__(self) -> str:
        lines = [
            f"{curve['learner'] or 'model'}: {split} loss {curve[split][-1][1]:.4g} "
            f"after {curve[split][-1][0]:g} steps"
            for curve in self
            for split in _SPLITS
            if curve[split]
        ]
        return "\n".join(lines) or "nothing was trained in this run"

    def _repr_html_(self) -> str:
        return display.sections(self._report, "training")
