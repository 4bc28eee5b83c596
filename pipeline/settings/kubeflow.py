"""The section `kubeflow` of `pipeline.yaml`: the pipeline package, and the pods of its nodes."""

from typing import Annotated, Any, Literal

from pydantic import Field

from beltline.base.settings.section import Section
from beltline.pipeline.settings.airflow import AbsolutePath


def _text(pattern: str, words: str) -> Any:
    """Returns a text of some form; `words` are what the docs page says in place of the pattern."""
    return Field(pattern=pattern, json_schema_extra={"words": words})


ObjectName = Annotated[
    str, _text(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", "a name as Kubernetes takes it")
]
LabelValue = Annotated[
    str, _text(r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$", "value of a label")
]
LabelKey = Annotated[
    str,
    _text(
        r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        "a key as Kubernetes takes it",
    ),
]
SecretKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
Variable = Annotated[str, _text(r"^[A-Za-z_][A-Za-z0-9_]*$", "name of a variable")]
# Five fields; Kubeflow's own sixth, the seconds, is always zero.
Cron = Annotated[str, Field(pattern=r"^\S+( \S+){4}$")]


class Kubeflow(Section):
    """The package that `beltline compile kubeflow` writes."""

    image: str | None = Field(
        None, description="The image with the pipeline's environment (`make image`); required."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When the image is pulled."
    )
    image_pull_secrets: list[ObjectName] = Field(
        default_factory=list, description="Secrets with the credentials of the image's registry."
    )
    namespace: ObjectName = Field(
        "kubeflow",
        description="Where the pods run: the profile's namespace where Kubeflow has several users.",
    )
    service_account: ObjectName | None = Field(
        None, description="The service account of the pods; by default Kubeflow's own."
    )
    volume_claim: ObjectName | None = Field(
        None,
        description="Claim on a volume that all pods share, for root, data and bundles; required.",
    )
    mount_path: AbsolutePath = Field(
        "/beltline", description="Where the volume is mounted in a pod."
    )
    root: AbsolutePath | None = Field(
        None,
        description="Folder of artifacts and served versions in a pod; by default the "
        "`mount_path`.",
    )
    data: AbsolutePath | None = Field(
        None,
        description="Where a relative `data.path` starts in a pod; by default the `mount_path`.",
    )
    bundle: Literal["package", "volume"] = Field(
        "package",
        description="How the bundle gets to the pods: in the package, which writes it to the "
        "volume, or copied there beforehand, which a bundle with much code requires.",
    )
    secrets: dict[ObjectName, dict[SecretKey, Variable]] = Field(
        default_factory=dict,
        description="Secrets by name, and for each of their keys the environment variable that it "
        "becomes; one must become `BELTLINE_METADATA`, and for `data.query` one "
        "`BELTLINE_DATABASE`.",
    )
    accelerator: LabelKey = Field(
        "nvidia.com/gpu", description="The cluster's name for a GPU, as a resource."
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels of the cluster nodes that GPU nodes run on."
    )
    tolerations: list[LabelKey] = Field(
        default_factory=lambda: ["nvidia.com/gpu"],
        description="Keys of the taints that GPU nodes tolerate.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="More labels of the pods."
    )
    user: int = Field(1000, ge=1, description="User id in the pods; never root.")
    group: int = Field(1000, ge=1, description="Group id in the pods.")
    retries: int = Field(2, ge=0, description="How often a failed node is retried.")
    retry_delay_seconds: int = Field(
        60, ge=1, description="Delay before the first retry; it doubles with each further one."
    )
    timeout_minutes: int = Field(360, ge=1, description="Time limit of a node.")
    experiment: str = Field(
        "Default", min_length=1, description="Kubeflow's experiment that runs are listed under."
    )
    schedule: Cron | None = Field(
        None,
        description="A cron expression, as `0 2 * * *`: `beltline submit kubeflow` keeps a "
        "recurring run for it. In the time zone of the cluster's Kubeflow.",
    )
    catchup: bool = Field(False, description="Whether missed times of the schedule are run, too.")
    max_active_runs: int = Field(1, ge=1, le=10, description="Most concurrent recurring runs.")
    monitoring_schedule: Cron | None = Field(
        None,
        description="When the served model is monitored, as `schedule`: `beltline submit kubeflow` "
        "keeps a recurring run of the monitoring package for it.",
    )
    retrain_pause_hours: float = Field(
        24,
        ge=0,
        description="After an alarm, how long the same version raises no other one: a retraining "
        "that pushes nothing is not repeated at once.",
    )
