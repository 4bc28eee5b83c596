"""The section `evaluation` of `pipeline.yaml`: what a model must reach before it is pushed.

To add a metric, add its name to `Metric` in `bounds.py` and to `METRICS_OF_TASK` here, and its TFMA
class to `beltline.pipeline.evaluation.config`; where less is better, also to `LOWER_IS_BETTER`.
"""

from pydantic import Field

from beltline.pipeline.settings.bounds import Bound, Metric
from beltline.pipeline.settings.data import Task
from beltline.pipeline.settings.section import Section

METRICS_OF_TASK: dict[Task, tuple[Metric, ...]] = {
    "binary": ("auc", "pr_auc", "f1", "accuracy"),
    "multiclass": ("accuracy", "macro_f1", "auc"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics of each task; the first decides between a candidate and the champion."""

LOWER_IS_BETTER: frozenset[Metric] = frozenset({"rmse", "mae"})


class ChampionSettings(Section):
    """How a new model is compared with the last pushed one, on the same rows."""

    enabled: bool = Field(True, description="Whether it is compared at all.")
    metric: Metric | None = Field(
        None, description="The metric that decides; by default the first of the task's."
    )
    margin: float = Field(
        0.0,
        description="How much better it must be at least; at zero, as good will do; below zero, "
        "how much worse it may be. In the metric's unit.",
    )


class Evaluation(Section):
    """What a model must reach before it is pushed."""

    metrics: list[Metric] | None = Field(
        None, description="Metrics to compute; by default all that the task has."
    )
    thresholds: dict[Metric, Bound] = Field(
        default_factory=dict, description="What each metric must reach on the eval split."
    )
    slices: list[str] = Field(
        default_factory=list, description="Columns whose values are each evaluated apart."
    )
    slice_thresholds: dict[Metric, Bound] = Field(
        default_factory=dict, description="What each metric must reach in every slice."
    )
    importance_rows: int = Field(
        2000,
        ge=0,
        description="Most rows of the eval split that are asked again with one column shuffled, "
        "to see what the column is worth; 0 leaves that out.",
    )
    champion: ChampionSettings = Field(
        default_factory=ChampionSettings, description="The last pushed model."
    )
