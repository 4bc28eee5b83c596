"""The section `evaluation` of `pipeline.yaml`: what a model must reach before it is pushed.

To add a metric, add its name to `Metric` in `bounds.py` and to `METRICS_OF_TASK` here, and its TFMA
class to `beltline.pipeline.evaluation.config`; where less is better, also to `LOWER_IS_BETTER`.
"""

from pydantic import Field

from beltline.base.settings.bounds import Bound, Metric
from beltline.base.settings.section import Section
from beltline.pipeline.settings.data import Task

METRICS_OF_TASK: dict[Task, tuple[Metric, ...]] = {
    "binary": ("auc", "pr_auc", "f1", "accuracy"),
    "multiclass": ("accuracy", "macro_f1", "auc"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics of each task; the first decides between a candidate and the champion."""

LOWER_IS_BETTER: frozenset[Metric] = frozenset({"rmse", "mae"})


class ChampionSettings(Section):
    """How a candidate is compared with the live model (the champion), on the same rows."""

    enabled: bool = Field(True, description="Whether the candidate is compared with the champion.")
    metric: Metric | None = Field(
        None, description="The metric to compare; by default the first one of the task."
    )
    margin: float = Field(
        0.0,
        description="How much better the candidate must be, in the metric's unit; at 0 it may be "
        "equal, below 0 that much worse.",
    )


class Evaluation(Section):
    """What a model must reach to be blessed."""

    metrics: list[Metric] | None = Field(
        None, description="Metrics to compute; by default all of the task."
    )
    thresholds: dict[Metric, Bound] = Field(
        default_factory=dict, description="Bounds of each metric on the eval split."
    )
    slices: list[str] = Field(
        default_factory=list,
        description="Columns to slice by: each value is also evaluated on its own.",
    )
    slice_thresholds: dict[Metric, Bound] = Field(
        default_factory=dict, description="Bounds of each metric in every slice."
    )
    importance_rows: int = Field(
        2000,
        ge=0,
        description="Most rows of the eval split for permutation importance, which predicts them "
        "again with one column shuffled; 0 turns it off.",
    )
    champion: ChampionSettings = Field(
        default_factory=ChampionSettings, description="The comparison with the live model."
    )
