"""The bounds of a metric, for several sections of `pipeline.yaml`."""

from typing import Literal

from pydantic import Field, model_validator

from beltline.base.settings.section import Section

Metric = Literal["auc", "pr_auc", "f1", "accuracy", "macro_f1", "rmse", "mae", "r2"]


class Bound(Section):
    """The bounds of a metric."""

    lower: float | None = Field(None, description="The metric must be at least this.")
    upper: float | None = Field(None, description="The metric must be at most this.")

    @model_validator(mode="after")
    def _says_something(self) -> "Bound":
        if self.lower is None and self.upper is None:
            raise ValueError("set `lower`, `upper` or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError("`lower` is above `upper`")
        return self
