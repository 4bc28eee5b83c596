"""What `pipeline.yaml` may say: every key, its type, its default and what it is for.

To add a setting, add a field with a description to the section that it belongs to; reading,
`--set`, error messages and docs/settings.md follow from here. Reading is in `reading.py`.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from beltline.base.metric_bounds import Bound, Metric
from beltline.base.monitoring_settings import Monitoring
from beltline.base.section import MisplacedError, Section
from beltline.base.serving_limits import ServingLimits
from beltline.pipeline.settings.airflow import Airflow
from beltline.pipeline.settings.kubeflow import Kubeflow
from beltline.pipeline.settings.training import Model, Training
from beltline.pipeline.settings.tuning import Tuning, check_space, tunable

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
# The newest span, a number, or a day.
SPAN_PATTERN = "^(latest|[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})$"
Share = Annotated[float, Field(gt=0, lt=1)]
Task = Literal["binary", "multiclass", "regression"]

METRICS_OF_TASK: dict[Task, tuple[Metric, ...]] = {
    "binary": ("auc", "pr_auc", "f1", "accuracy"),
    "multiclass": ("accuracy", "macro_f1", "auc"),
    "regression": ("rmse", "mae", "r2"),
}
# The key that a kind of source needs, and those that don't go with it.
_KEYS_OF_SOURCE = {"files": ("path", ("query", "changed_by")), "sql": ("query", ("path",))}
LOWER_IS_BETTER: frozenset[Metric] = frozenset({"rmse", "mae"})


class Splits(Section):
    """The shares of the rows for training, for early stopping, and for the evaluation."""

    train: Share = Field(0.7, description="Share of the rows that the model learns from.")
    validation: Share = Field(
        0.1, description="Share of the rows that stop the training and choose the threshold."
    )
    eval: Share = Field(
        0.2, description="Share of the rows that the Evaluator judges the model on."
    )

    @model_validator(mode="after")
    def _shares_are_whole(self) -> "Splits":
        if abs(self.train + self.validation + self.eval - 1) > 1e-6:
            raise ValueError("train, validation and eval must add up to 1")
        return self


class Data(Section):
    """Where the rows come from."""

    source: Literal["files", "sql"] = Field(
        "files",
        description="The kind of source: files, or a query to the database that "
        "`BELTLINE_DATABASE` names.",
    )
    path: str | None = Field(
        None,
        description="A CSV or Parquet file, a folder of them, or a pattern such as `in/*.csv`; "
        "relative to the folder of `pipeline.yaml`. It may hold `{YYYY}`, `{MM}` and `{DD}`, or "
        "`{SPAN}`, and `{VERSION}`. Needed with `files`.",
    )
    query: str | None = Field(
        None,
        description="The SQL query whose rows are read; it may hold `:span`. Needed with `sql`.",
    )
    changed_by: str | None = Field(
        None,
        description="An SQL query whose result changes whenever that of `query` does, such as "
        "`SELECT max(id), count(*) FROM parts`; without it all rows are read to find out.",
    )
    span: Annotated[str, Field(pattern=SPAN_PATTERN)] = Field(
        "latest",
        description="Which part of the data, where `path` holds placeholders: `latest`, a day as "
        "`2026-11-23`, or a number for `{SPAN}`. Where `query` holds `:span`, its value.",
    )
    splits: Splits = Field(default_factory=Splits, description="How the rows are split.")
    split_by: str | None = Field(
        None,
        description="A column whose value decides the split, so that rows which share it stay "
        "together; without it the row's whole content decides.",
    )
    unlabelled: Literal["refuse", "drop"] = Field(
        "refuse",
        description="Rows without a label: the data gate refuses the data, or they are left out "
        "and counted.",
    )
    unreadable: Literal["stop", "reject"] = Field(
        "stop",
        description="Rows that can't be read (ragged, wrong bytes, broken quotes): the first one "
        "stops the run, or they are counted and go to a file of their own.",
    )

    @field_validator("span", mode="before")
    @classmethod
    def _span_as_text(cls, value: Any) -> Any:
        # YAML reads an unquoted day as a date, and a number as one.
        return str(value) if type(value) in (int, date) else value

    @model_validator(mode="after")
    def _keys_go_with_the_source(self) -> "Data":
        needed, others = _KEYS_OF_SOURCE[self.source]
        if not getattr(self, needed):
            raise MisplacedError(f"is needed where `source` is {self.source}", needed)
        for key in others:
            if getattr(self, key) is not None:
                raise MisplacedError(f"does not go with `source: {self.source}`", key)
        return self


class Label(Section):
    """The column to predict."""

    column: str = Field(description="The column to predict.")
    task: Task = Field(description="What kind of prediction it is.")
    positive: str | None = Field(
        None, description="For a binary label, the value whose probability the model gives."
    )

    @model_validator(mode="after")
    def _positive_goes_with_binary(self) -> "Label":
        if (self.task == "binary") != (self.positive is not None):
            raise ValueError("`positive` is needed for a binary label and only there")
        return self


class Features(Section):
    """Which columns the model sees, and as what."""

    include: list[str] | None = Field(
        None, description="Only these columns; without it every column of the schema."
    )
    exclude: list[str] = Field(
        default_factory=list, description="Columns that are not read at all: ids, timestamps."
    )
    overrides: dict[str, Literal["number", "category", "both"]] = Field(
        default_factory=dict,
        description="How to use a column where the schema would have it otherwise.",
    )
    numbers: Literal["quantile", "zscore"] = Field(
        "quantile",
        description="Numbers as their rank among the training values (robust to outliers), or "
        "as distances from the mean in standard deviations.",
    )
    vocabulary_size: int = Field(
        10_000, ge=1, description="Most values that are kept of one category column."
    )
    out_of_vocabulary_buckets: int = Field(
        1, ge=1, description="Hash buckets shared by the values that are not kept."
    )


class Champion(Section):
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
    champion: Champion = Field(default_factory=Champion, description="The last pushed model.")


class Push(Section):
    """Where a good model goes."""

    directory: str = Field(
        "served",
        description="Folder of the versions, as `<directory>/<name>/<version>`; relative to the "
        "root.",
    )
    check_rows: int = Field(
        32, ge=1, description="Rows of the eval split that the model must answer beforehand."
    )
    keep: int = Field(
        10,
        ge=1,
        description="How many of the newest versions are kept; the live one and the one that a "
        "rollback goes to stay in any case.",
    )


class Resources(Section):
    """What one node needs; each runner honours what its place can."""

    cpu: float | None = Field(None, gt=0, description="Processor cores.")
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi)$")] | None = Field(
        None, description="Memory, as `512Mi` or `4Gi`."
    )
    gpu: int = Field(0, ge=0, description="GPUs.")


class Local(Section):
    """The local runner."""

    root: str = Field(
        ".beltline",
        description="Folder of artifacts, logs and metadata, relative to the folder of "
        "`pipeline.yaml`. `BELTLINE_ROOT` overrides it.",
    )
    metadata: str | None = Field(
        None,
        description="`sqlite:///…`, `mysql://…` or `postgresql://…`; by default a SQLite file in "
        "the root. `BELTLINE_METADATA` overrides it, and is the place for one with a password.",
    )
    max_active_nodes: int | None = Field(
        None,
        ge=1,
        description="Most nodes at once, by default one for each core; what `resources` says of "
        "them must fit the machine together.",
    )


class Settings(Section):
    """The whole of `pipeline.yaml`."""

    name: Name = Field(description="The pipeline's name; its versions are served under it.")
    data: Data = Field(description="Where the rows come from.")
    schema_file: str = Field(
        alias="schema",
        description="The curated schema, a TensorFlow Metadata text proto, relative to the folder "
        "of `pipeline.yaml`.",
    )
    label: Label = Field(description="The column to predict.")
    features: Features = Field(default_factory=Features, description="The model's inputs.")
    model: Model = Field(default_factory=Model, description="The network.")
    training: Training = Field(default_factory=Training, description="How it learns.")
    tuning: Tuning = Field(default_factory=Tuning, description="Hyperparameter search.")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="What it must reach.")
    push: Push = Field(default_factory=Push, description="Where a good model goes.")
    serving: ServingLimits = Field(default_factory=ServingLimits, description="The REST server.")
    monitoring: Monitoring = Field(
        default_factory=Monitoring, description="Live requests beside the training rows."
    )
    resources: dict[str, Resources] = Field(
        default_factory=dict, description="What each node needs, by node id."
    )
    local: Local = Field(default_factory=Local, description="The local runner.")
    airflow: Airflow = Field(default_factory=Airflow, description="The Airflow runner.")
    kubeflow: Kubeflow = Field(default_factory=Kubeflow, description="The Kubeflow runner.")

    @property
    def unread(self) -> set[str]:
        """The columns that are not read at all."""
        return set(self.features.exclude) - set(self.evaluation.slices)

    @property
    def tunable(self) -> dict[str, Any]:
        """The value of every hyperparameter that can be tuned, by name."""
        return tunable(self.model, self.training)

    @model_validator(mode="after")
    def _metrics_fit_the_task(self) -> "Settings":
        allowed = METRICS_OF_TASK[self.label.task]
        for metric, key in self._named_metrics():
            if metric not in allowed:
                raise MisplacedError(
                    f"'{metric}' is no metric of a {self.label.task} label; "
                    f"allowed: {', '.join(allowed)}",
                    *key,
                )
        return self

    @model_validator(mode="after")
    def _a_database_has_a_query(self) -> "Settings":
        # Each node of the DAG would be told its password.
        if self.airflow.database_connection and self.data.source != "sql":
            raise MisplacedError(
                "goes with `data.source: sql` alone", "airflow", "database_connection"
            )
        return self

    @model_validator(mode="after")
    def _the_search_is_around_the_settings(self) -> "Settings":
        check_space(self.tuning.space, self.tunable, (self.model, self.training))
        return self

    @model_validator(mode="after")
    def _a_gpu_that_is_reserved_is_used(self) -> "Settings":
        trainer = self.resources.get("Trainer")
        if trainer and trainer.gpu and self.training.gpu == "off":
            raise MisplacedError(
                f"is off, but `resources.Trainer.gpu` reserves {trainer.gpu}; remove one of them",
                "training",
                "gpu",
            )
        return self

    def _named_metrics(self) -> Iterator[tuple[Metric, tuple[str, ...]]]:
        evaluation = self.evaluation
        for index, metric in enumerate(evaluation.metrics or []):
            yield metric, ("evaluation", "metrics", str(index))
        for metric in evaluation.thresholds:
            yield metric, ("evaluation", "thresholds", metric)
        for metric in evaluation.slice_thresholds:
            yield metric, ("evaluation", "slice_thresholds", metric)
        if evaluation.champion.metric:
            yield evaluation.champion.metric, ("evaluation", "champion", "metric")
        for metric in self.monitoring.metrics:
            yield metric, ("monitoring", "metrics", metric)
