"""The section `monitoring` of `pipeline.yaml`: which requests are sampled, and what is an alarm.

`pipeline.yaml`, the server's sampling, the comparison and the options of `python -m
beltline.serving` all have these fields: a new one is declared here alone.
"""

from pydantic import Field, model_validator

from beltline.base.settings.bounds import Bound, Metric
from beltline.base.settings.section import MisplacedError, Section


class Sampling(Section):
    """The requests that `beltline serve` keeps."""

    directory: str = Field(
        "requests",
        description="Folder of the samples, as `<directory>/<name>`; relative to the root.",
    )
    sample_rate: float = Field(
        1.0, ge=0, le=1, description="Share of the answered rows that are sampled; 0 samples none."
    )
    without: list[str] = Field(
        default_factory=list, description="Columns that are never sampled, such as personal data."
    )
    sample_mb: int = Field(
        1024, ge=1, description="Maximal size of the samples, in MiB; the oldest are deleted first."
    )
    key: str | None = Field(
        None,
        description="A field of a request that identifies the row, such as a part number. It is "
        "sampled, but not an input of the model.",
    )


class Monitoring(Sampling):
    """The requests that `beltline serve` keeps, and what `beltline monitor` says of them."""

    labels: str | None = Field(
        None,
        description="Where labels arrive later: a CSV or Parquet file, or a folder of them, with "
        "the column `key` and the label's; relative to the folder of `pipeline.yaml`.",
    )
    window_hours: float = Field(
        24,
        gt=0,
        description="The window that `beltline monitor` checks; drift is against the one before.",
    )
    label_hours: float = Field(
        168, gt=0, description="The window for live metrics: rows whose label has arrived."
    )
    min_rows: int = Field(
        200, ge=20, description="With fewer rows no alarm is raised, and the report says so."
    )
    skew: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Maximal distance of a column from the training rows: TFDV's Jensen-Shannon "
        "divergence of a number, the L-infinity distance of a category.",
    )
    drift: float = Field(
        0.05, gt=0, le=1, description="Maximal distance of a column from the window before."
    )
    new_values: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Maximal share of values that the training rows don't have: new categories, "
        "numbers out of range.",
    )
    missing: float = Field(
        0.05, ge=0, le=1, description="Maximal increase of the share of missing values."
    )
    score: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Maximal distance of the predictions from those for the evaluation rows.",
    )
    metrics: dict[Metric, Bound] = Field(
        default_factory=dict, description="Bounds of the metrics on rows with a label."
    )

    @model_validator(mode="after")
    def _labels_have_a_key(self) -> "Monitoring":
        if self.labels is not None and self.key is None:
            raise MisplacedError("needs `key`, by which a label finds its row", "labels")
        if self.metrics and self.labels is None:
            raise MisplacedError("needs `labels`", "metrics")
        if self.key is not None and self.key in self.without:
            raise MisplacedError("is in `without`, so no row would have it", "key")
        return self
