"""The whole of `pipeline.yaml`: its sections, and the rules that span several of them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from beltline.base.errors import WrongInput
from beltline.base.settings.airflow import Airflow
from beltline.base.settings.beam import Beam
from beltline.base.settings.bounds import Metric
from beltline.base.settings.kubeflow import Kubeflow
from beltline.base.settings.monitoring import Monitoring
from beltline.base.settings.section import MisplacedError, Section
from beltline.base.settings.serving import ServingLimits
from beltline.base.settings.tracking import Tracking
from beltline.pipeline.settings.data import Data, FeatureSettings, Label
from beltline.pipeline.settings.evaluation import METRICS_OF_TASK, Evaluation
from beltline.pipeline.settings.local import Local, NodeResources
from beltline.pipeline.settings.predict import Predict
from beltline.pipeline.settings.push import Push
from beltline.pipeline.settings.training import Model, Training
from beltline.pipeline.settings.tuning import Tuning, check_space, tunable
from beltline.storage.url import parse_prefix

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]


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
    features: FeatureSettings = Field(
        default_factory=FeatureSettings, description="The model's inputs."
    )
    model: Model = Field(default_factory=Model, description="What learns.")
    training: Training = Field(default_factory=Training, description="How the model is trained.")
    tuning: Tuning = Field(default_factory=Tuning, description="Hyperparameter search.")
    evaluation: Evaluation = Field(
        default_factory=Evaluation, description="What a model must reach."
    )
    push: Push = Field(default_factory=Push, description="Where a blessed model is pushed.")
    predict: Predict | None = Field(
        None, description="Rows that each run predicts after its push; without it none."
    )
    serving: ServingLimits = Field(default_factory=ServingLimits, description="The REST server.")
    monitoring: Monitoring = Field(
        default_factory=Monitoring, description="Drift and skew of live requests."
    )
    tracking: Tracking = Field(
        default_factory=Tracking, description="Which other tools are told of each run."
    )
    resources: dict[str, NodeResources] = Field(
        default_factory=dict, description="Resources of each node, by node id."
    )
    local: Local = Field(default_factory=Local, description="The local runner.")
    artifacts: str | None = Field(
        None,
        description="Where artifacts are kept: `s3://BUCKET/PREFIX` or `gs://…`, see "
        "[object storage](storage.md#artifacts); by default in the root. `BELTLINE_ARTIFACTS` "
        "overrides it.",
    )
    beam: Beam = Field(default_factory=Beam, description="Where whole tables are processed.")
    airflow: Airflow = Field(default_factory=Airflow, description="The Airflow runner.")
    kubeflow: Kubeflow = Field(default_factory=Kubeflow, description="The Kubeflow runner.")

    @property
    def unread(self) -> set[str]:
        """The columns that are not read at all."""
        return set(self.features.exclude) - set(self.evaluation.slices)

    @property
    def folds(self) -> int | Literal["auto"]:
        """`training.folds`; by default one where rows belong together or are shared by workers."""
        one = self.data.split_by is not None or self.training.workers > 1
        return 1 if one and self.training.folds == "auto" else self.training.folds

    @property
    def has_query(self) -> bool:
        """Whether a node reads from the database."""
        return "sql" in (self.data.source, self.predict.source if self.predict else "files")

    @property
    def refits(self) -> bool:
        """Whether a blessed model is trained once more on all rows."""
        return self.training.refit != "off"

    def resources_of(self, node: str) -> NodeResources | None:
        """Returns the resources of a node; a refit has those of the Trainer unless it has own."""
        return self.resources.get(node) or (
            self.resources.get("Trainer") if node == "Refit" else None
        )

    @property
    def tunable(self) -> dict[str, Any]:
        """The value of every hyperparameter that can be tuned, by name."""
        return tunable(self.model, self.training)

    @field_validator("artifacts")
    @classmethod
    def _artifacts_are_at_a_url(cls, value: str | None) -> str | None:
        try:
            return value and str(parse_prefix(value))
        except WrongInput as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _metrics_fit_the_task(self) -> "Settings":
        allowed = METRICS_OF_TASK[self.label.task]
        for metric, key in self._named_metrics():
            if metric not in allowed:
                raise MisplacedError(
                    f"invalid metric '{metric}' for a {self.label.task} label: "
                    f"allowed: {', '.join(allowed)}",
                    *key,
                )
        return self

    @model_validator(mode="after")
    def _what_is_stratified_has_classes(self) -> "Settings":
        if self.data.stratify and self.label.task == "regression":
            raise MisplacedError(
                "requires a binary or multiclass label: a number has no classes", "data", "stratify"
            )
        return self

    @model_validator(mode="after")
    def _a_database_has_a_query(self) -> "Settings":
        # Every node of the DAG would get its password.
        if self.airflow.database_connection and not self.has_query:
            raise MisplacedError(
                "requires `data.source: sql` or `predict.source: sql`",
                *("airflow", "database_connection"),
            )
        return self

    @model_validator(mode="after")
    def _the_search_is_around_the_settings(self) -> "Settings":
        check_space(self.tuning.space, self.tunable, (self.model, self.training))
        return self

    @model_validator(mode="after")
    def _trees_are_trained_on_the_cpu_in_whole_trials(self) -> "Settings":
        if not self.model.has_trees:
            return self
        if "network" not in self.model.learners:
            keys = [("resources", node) for node in ("Trainer", "Refit") if self._gpus_of(node)]
            if self.training.gpu == "required":
                keys.insert(0, ("training", "gpu"))
            if keys:
                raise MisplacedError("asks for a GPU, but trees are trained on the CPU", *keys[0])
        if self.tuning.search == "hyperband":
            raise MisplacedError(
                "hyperband shortens trials by epochs, which trees don't have; use 'bayesian', or "
                "`model.learners: [network]`",
                *("tuning", "search"),
            )
        return self

    @model_validator(mode="after")
    def _what_several_workers_train_is_together(self) -> "Settings":
        training = self.training
        if training.workers == 1:
            return self
        usual = {"folds": ("auto", 1), "steps_per_execution": ("auto",)}
        for name, values in usual.items():
            if getattr(training, name) not in values:
                raise MisplacedError("requires `training.workers: 1`", "training", name)
        if training.batch_size != "auto" and training.batch_size < training.workers:
            raise MisplacedError(
                f"must be at least `training.workers`, {training.workers}: each of them learns "
                "from a part of every batch",
                *("training", "batch_size"),
            )
        for node in ("Trainer", "Refit"):
            if self._gpus_of(node):
                raise MisplacedError(
                    f"reserves a GPU for a node that computes nothing with `training.workers: "
                    f"{training.workers}`: give it to the Dask workers",
                    *("resources", node, "gpu"),
                )
        return self

    @model_validator(mode="after")
    def _a_gpu_that_is_reserved_is_used(self) -> "Settings":
        for node in ("Trainer", "Refit"):
            wanted = self._gpus_of(node)
            if wanted and self.training.gpu == "off":
                raise MisplacedError(
                    f"is off, but `resources.{node}.gpu` reserves {wanted}; remove one of them",
                    *("training", "gpu"),
                )
        return self

    def _gpus_of(self, node: str) -> int:
        return self.resources[node].gpu if node in self.resources else 0

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
