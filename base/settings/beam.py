"""The section `beam` of `pipeline.yaml`: where the nodes that read whole tables run.

It says where, not what: it is no part of the bundle, and nothing runs again because of it.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from beltline.base.settings.section import MisplacedError, Section

_TLS = ("ca", "certificate", "key")


class Dask(Section):
    """A cluster of Dask's `distributed`, for `beam.runner: dask`."""

    scheduler: (
        Annotated[
            str,
            Field(
                pattern=r"^(tcp|tls)://[^/\s?#]+:\d+$",
                json_schema_extra={"words": "`tcp://HOST:PORT` or `tls://HOST:PORT`"},
            ),
        ]
        | None
    ) = Field(
        None, description="The scheduler, as `tcp://HOST:PORT` or `tls://HOST:PORT`; required."
    )
    ca: str | None = Field(
        None, description="For `tls://`: file of the certificates to trust, where the nodes run."
    )
    certificate: str | None = Field(None, description="For `tls://`: file of our certificate.")
    key: str | None = Field(None, description="For `tls://`: file of our certificate's key.")

    @model_validator(mode="after")
    def _tls_has_its_files(self) -> "Dask":
        encrypted = bool(self.scheduler) and str(self.scheduler).startswith("tls:")
        for name in _TLS:
            if encrypted and not getattr(self, name):
                raise MisplacedError("required for a scheduler at tls://", name)
            if getattr(self, name) and not encrypted:
                raise MisplacedError("requires a scheduler at tls://", name)
        return self


class Beam(Section):
    """Where ExampleGen, StatisticsGen, Transform, Evaluator and BulkInferrer process their rows."""

    runner: Literal["direct", "dask"] = Field(
        "direct",
        description="`direct`, in the node's own process, or `dask`, on a cluster of Dask. "
        "`BELTLINE_BEAM` overrides the section.",
    )
    dask: Dask = Field(default_factory=Dask, description="The cluster of Dask.")

    @model_validator(mode="after")
    def _dask_has_a_scheduler(self) -> "Beam":
        if self.runner == "dask" and not self.dask.scheduler:
            raise MisplacedError("required for `beam.runner: dask`", "dask", "scheduler")
        return self
