"""The sections `local` and `resources` of `pipeline.yaml`: the local runner and the nodes."""

from typing import Annotated

from pydantic import Field, field_validator

from beltline.base.errors import WrongInput
from beltline.base.settings.section import Section
from beltline.storage.url import refuse_url


class NodeResources(Section):
    """Resources of one node; each runner applies those that its platform supports."""

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
        "the root. `BELTLINE_METADATA` overrides it; a URL with a password belongs there.",
    )
    max_active_nodes: int | None = Field(
        None,
        ge=1,
        description="Most nodes at once, by default one per core; together their `resources` must "
        "fit the machine.",
    )

    @field_validator("root")
    @classmethod
    def _check_root(cls, value: str) -> str:
        try:
            refuse_url("root", value)
        except WrongInput as error:
            raise ValueError(str(error)) from None
        return value
