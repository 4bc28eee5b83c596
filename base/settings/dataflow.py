"""The section `beam.dataflow` of `pipeline.yaml`: Google's Dataflow, and its workers."""

from typing import Annotated

from pydantic import Field, model_validator

from beltline.base.settings.section import MisplacedError, Section, spelled

Project = Annotated[
    str,
    spelled(r"^[a-z][a-z0-9:.-]{1,98}[a-z0-9]$", "a project's id"),
]
Region = Annotated[
    str,
    spelled(r"^[a-z]+-[a-z]+\d+$", "a region, such as `europe-west3`"),
]
Bucket = Annotated[
    str,
    spelled(r"^gs://[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]/\S+$", "`gs://BUCKET/FOLDER`"),
]
Image = Annotated[
    str,
    spelled(
        r"^[^\s/@]+\.[^\s/@]+/\S+(:[\w.-]+|@sha256:[0-9a-f]{64})$",
        "`REGISTRY/NAME:TAG` or `REGISTRY/NAME@sha256:DIGEST`",
    ),
]
Account = Annotated[
    str,
    spelled(r"^[^\s@]+@[^\s@]+\.[^\s@]+$", "a service account's e-mail address"),
]
Subnetwork = Annotated[
    str,
    spelled(
        r"^(https://\S+/)?regions/[a-z0-9-]+/subnetworks/[a-z0-9-]+$",
        "`regions/REGION/subnetworks/NAME`, or its URL",
    ),
]


class Dataflow(Section):
    """Google's Dataflow, for `beam.runner: dataflow`."""

    project: Project | None = Field(None, description="The project's id; required.")
    region: Region | None = Field(
        None, description="Where the jobs run, such as `europe-west3`; required."
    )
    temp_location: Bucket | None = Field(
        None, description="For what a job stages and spills, as `gs://BUCKET/FOLDER`; required."
    )
    image: Image | None = Field(
        None,
        description="The workers' image: Beltline's, in a registry that they can pull it from, as "
        "`REGISTRY/NAME:TAG`; required.",
    )
    machine_type: str | None = Field(
        None, min_length=1, description="The workers' machine type; by default Dataflow's choice."
    )
    workers: int | None = Field(
        None, ge=1, description="The number of workers to begin with; by default Dataflow's choice."
    )
    max_workers: int | None = Field(
        None, ge=1, description="The most workers; by default Dataflow's choice."
    )
    disk_gb: int | None = Field(
        None, ge=30, description="Each worker's disk, in GB; by default Dataflow's choice."
    )
    service_account: Account | None = Field(
        None, description="The workers' service account; by default Compute Engine's."
    )
    network: str | None = Field(
        None, min_length=1, description="The workers' network; by default the project's."
    )
    subnetwork: Subnetwork | None = Field(
        None, description="The workers' subnetwork, as `regions/REGION/subnetworks/NAME`."
    )
    public_addresses: bool = Field(
        True, description="Whether workers have public addresses; without, a subnetwork is needed."
    )
    kms_key: str | None = Field(
        None, min_length=1, description="The key that encrypts what the job stores, by its name."
    )

    @model_validator(mode="after")
    def _values_fit_together(self) -> "Dataflow":
        if self.workers and self.max_workers and self.workers > self.max_workers:
            raise MisplacedError(f"must be at least workers, {self.workers}", "max_workers")
        if not self.public_addresses and not self.subnetwork:
            raise MisplacedError("requires subnetwork", "public_addresses")
        return self
