"""The section `kubeflow` of `pipeline.yaml`: the pipeline package, and the pods of its nodes."""

from typing import Annotated, Literal

from pydantic import Field

from beltline.base.settings.pods import AbsolutePath, Groups, ObjectName, Pods
from beltline.base.settings.section import spelled

SecretKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
Variable = Annotated[
    str,
    spelled(r"^[A-Za-z_][A-Za-z0-9_]*$", "name of a variable"),
]
# Five fields; Kubeflow's own sixth, the seconds, is always zero.
Cron = Annotated[str, Field(pattern=r"^\S+( \S+){4}$")]


class Kubeflow(Pods):
    """The package that `beltline compile kubeflow` writes."""

    namespace: ObjectName = Field(
        "kubeflow",
        description="Where the pods run: the profile's namespace where Kubeflow has several users.",
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
    bundle: Literal["package", "image", "volume"] = Field(
        "package",
        description="How the bundle gets to the pods: `package`, in the package, which writes it "
        "to the volume; `image`, the same without Beltline's own model code, which must be equal "
        "in the image; `volume`, copied there beforehand, which much code of your own requires.",
    )
    secrets: dict[ObjectName, dict[SecretKey, Variable]] = Field(
        default_factory=dict,
        description="Secrets by name, and for each of their keys the environment variable that it "
        "becomes; one must become `BELTLINE_METADATA`, and for `data.query` one "
        "`BELTLINE_DATABASE`.",
    )
    groups: Groups = Field(
        default_factory=dict,
        description="Nodes that share a pod, as `train: [Tuner, Trainer]`, by the pod's name in "
        "Kubeflow. By default each node with a GPU has a pod of its own, and those between share "
        "one.",
    )
    user: int = Field(1000, ge=1, description="User id in the pods; never root.")
    group: int = Field(1000, ge=1, description="Group id in the pods.")
    retries: int = Field(2, ge=0, description="How often a failed node is retried.")
    retry_delay_seconds: int = Field(
        60, ge=1, description="Delay before the first retry; it doubles with each further one."
    )
    timeout_minutes: int = Field(360, ge=1, description="Time limit of a node, for each attempt.")
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

    @property
    def pod_root(self) -> str:
        """The root in a pod."""
        return self.root or self.mount_path

    @property
    def pod_data(self) -> str:
        """Where a relative `data.path` starts in a pod."""
        return self.data or self.mount_path
