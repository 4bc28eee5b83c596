"""The section `airflow` of `pipeline.yaml`: the DAG, and where its nodes run."""

from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from beltline.base.settings.pods import AbsolutePath, Groups, ObjectName, Pods
from beltline.base.settings.section import MisplacedError, Section

# Five fields, or one of Airflow's names for such.
CRON_PATTERN = r"^(@(hourly|daily|weekly|monthly|quarterly|yearly)|\S+( \S+){4})$"
_CONNECTIONS = {
    "metadata_connection": "BELTLINE_METADATA",
    "database_connection": "BELTLINE_DATABASE",
}


class Docker(Section):
    """Nodes in containers on the worker's own machine, for `airflow.where: docker`."""

    image: str | None = Field(
        None, description="The image with the pipeline's environment; needed for `docker`."
    )
    network: str = Field(
        "bridge", description="Docker's network; `host` where the database is on the worker itself."
    )
    volumes: list[Annotated[str, Field(pattern=r"^/[^:]*:/[^:]*(:ro)?$")]] = Field(
        default_factory=list,
        description="More folders for the container, as `HOST:CONTAINER` or `HOST:CONTAINER:ro`; "
        "the bundle, the root and the data are there anyhow.",
    )
    user: str | None = Field(
        None, description="User in the container, as `1000:1000`; by default who runs the worker."
    )


class Kubernetes(Pods):
    """Nodes in pods of a cluster, for `airflow.where: kubernetes`."""

    namespace: ObjectName = Field("default", description="The namespace of the pods.")
    startup_minutes: int = Field(
        30,
        ge=1,
        description="How long a pod may wait for a machine, and then for its image: a GPU machine "
        "that is added first, and an image of gigabytes, take minutes.",
    )
    groups: Groups | None = Field(
        None,
        description="Nodes that share a pod and are one task, as `train: [Tuner, Trainer]`, by the "
        "task's id; the other nodes then share pods as on Kubeflow, also with `{}`. Without it, "
        "each node is a task with a pod of its own.",
    )
    bundles: AbsolutePath | None = Field(
        None,
        description="Folder in a pod that the compiled folder's `bundles` are copied to; by "
        "default `<mount_path>/bundles`.",
    )
    secret: ObjectName | None = Field(
        None,
        description="A secret whose entries become environment variables of the pods, such as "
        "`BELTLINE_METADATA` and, for `data.query`, `BELTLINE_DATABASE`.",
    )


class Airflow(Section):
    """The DAG that `beltline compile airflow` writes."""

    where: Literal["bash", "docker", "kubernetes"] = Field(
        "bash",
        description="Where a node runs: in a Python environment on the worker, in a container "
        "there, or in a pod.",
    )
    environment: AbsolutePath | None = Field(
        None,
        description="Folder of the Python environment on the workers; by default the one that "
        "compiled it.",
    )
    root: AbsolutePath | None = Field(
        None,
        description="Folder of artifacts and served versions on the workers; by default the local "
        "root.",
    )
    data: AbsolutePath | None = Field(
        None,
        description="Where a relative `data.path` starts on the workers; by default the folder of "
        "`pipeline.yaml`.",
    )
    metadata_connection: str | None = Field(
        None,
        description="Id of the Airflow connection to the ML Metadata database; without it the "
        "worker's `BELTLINE_METADATA`, else a SQLite file in the root.",
    )
    database_connection: str | None = Field(
        None,
        description="Id of the Airflow connection to the database of `data.query`; without it the "
        "worker's `BELTLINE_DATABASE`.",
    )
    schedule: Annotated[str, Field(pattern=CRON_PATTERN)] | None = Field(
        None,
        description="A cron expression, or one such as `@daily`; without it the DAG is started by "
        "hand or by `data_assets`.",
    )
    timezone: str = Field("UTC", description="Time zone of the schedule and of the span's day.")
    start_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        "2026-01-01", description="The first day of the schedule."
    )
    catchup: bool = Field(False, description="Whether missed days of the schedule are run, too.")
    span_days_back: int = Field(
        0,
        ge=0,
        description="The day of the data, where `data.path` contains `{YYYY}` or `data.query` "
        "`:span`: this many days before the run's logical date.",
    )
    data_assets: list[str] = Field(
        default_factory=list, description="Assets, by URI, whose update starts the DAG."
    )
    retries: int = Field(2, ge=0, description="How often a failed node is retried.")
    retry_delay_seconds: int = Field(
        60, ge=1, description="Delay before the first retry; it doubles with each further one."
    )
    timeout_minutes: int = Field(360, ge=1, description="Time limit of a node.")
    max_active_runs: int = Field(1, ge=1, description="Most concurrent runs of the DAG.")
    monitoring_schedule: Annotated[str, Field(pattern=CRON_PATTERN)] | None = Field(
        None,
        description="When the served model is monitored, as `schedule`; without it the DAG "
        "`<name>_monitor` is started by hand.",
    )
    retrain_on_drift: bool = Field(
        True, description="Whether an alarm of the monitoring starts a run of the pipeline."
    )
    retrain_pause_hours: float = Field(
        24,
        ge=0,
        description="After an alarm, how long the same version raises no other one: a retraining "
        "that pushes nothing is not repeated at once.",
    )
    gpu_pool: str = Field("gpu", description="Airflow pool in which a node takes a slot per GPU.")
    tags: list[str] = Field(default_factory=list, description="More tags of the DAG.")
    warm: bool = Field(
        True, description="Whether nodes run in a warm worker, which has imported TFX already."
    )
    docker: Docker = Field(default_factory=Docker, description="Containers.")
    kubernetes: Kubernetes = Field(default_factory=Kubernetes, description="Pods.")

    @field_validator("start_date", mode="before")
    @classmethod
    def _start_date_as_text(cls, value: Any) -> Any:
        return str(value) if type(value) is date else value

    @model_validator(mode="after")
    def _values_go_together(self) -> "Airflow":
        if self.where == "docker" and not self.docker.image:
            raise MisplacedError("is required with `where: docker`", "docker", "image")
        if self.where == "kubernetes":
            for key in ("image", "volume_claim"):
                if not getattr(self.kubernetes, key):
                    raise MisplacedError("is required with `where: kubernetes`", "kubernetes", key)
            for key, variable in _CONNECTIONS.items():
                if getattr(self, key):
                    # It would be in the pod's manifest, which others may read.
                    raise MisplacedError(
                        "requires `where: bash` or `docker`; for pods set `kubernetes.secret` to "
                        f"one with {variable}",
                        key,
                    )
        if self.timezone not in available_timezones():
            raise MisplacedError(f"unknown time zone '{self.timezone}'", "timezone")
        try:
            date.fromisoformat(self.start_date)
        except ValueError as error:
            raise MisplacedError(f"'{self.start_date}': {error}", "start_date") from None
        return self
