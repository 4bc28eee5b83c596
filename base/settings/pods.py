"""What the sections of Kubeflow and of Airflow's pods share: image, volume, where GPU nodes run."""

from typing import Annotated, Literal

from pydantic import Field

from beltline.base.settings.section import Section, spelled

AbsolutePath = Annotated[str, Field(pattern="^/.+")]
ObjectName = Annotated[
    str, spelled(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", "a name as Kubernetes takes it")
]
LabelValue = Annotated[
    str, spelled(r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$", "value of a label")
]
LabelKey = Annotated[
    str,
    spelled(
        r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        "a key as Kubernetes takes it",
    ),
]


# Nodes that share a pod, by the name of the pod.
Groups = dict[
    Annotated[str, spelled(r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$", "a name")],
    list[str],
]


class Pods(Section):
    """The pods of nodes, whichever orchestrator starts them."""

    image: str | None = Field(
        None,
        description="The image with the pipeline's environment (`make image`); required for pods.",
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        "IfNotPresent", description="When the image is pulled."
    )
    image_pull_secrets: list[ObjectName] = Field(
        default_factory=list, description="Secrets with the credentials of the image's registry."
    )
    service_account: ObjectName | None = Field(
        None,
        description="The service account of the pods; by default Kubeflow's own, or with "
        "Airflow the namespace's.",
    )
    volume_claim: ObjectName | None = Field(
        None,
        description="Claim on a volume that all pods share, for root, data and bundles; required "
        "for pods.",
    )
    mount_path: AbsolutePath = Field(
        "/beltline", description="Where the volume is mounted in a pod."
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
