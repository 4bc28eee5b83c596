"""The section `beam` of `pipeline.yaml`: where the nodes that read whole tables run.

It says where, not what: it is no part of the bundle, and nothing runs again because of it.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from beltline.base.settings.dataflow import Dataflow
from beltline.base.settings.section import MisplacedError, Section, spelled

Runner = Literal["direct", "dask", "portable", "dataflow"]
DataNode = Literal["ExampleGen", "StatisticsGen", "Transform", "Evaluator", "BulkInferrer"]
Address = Annotated[
    str,
    spelled(r"^(\[[0-9a-fA-F:.]+\]|[^/\s?#:\[\]]+):\d{1,5}$", "`HOST:PORT`"),
]
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

_TLS = ("ca", "certificate", "key")
# What each runner can't do without, in its section.
_REQUIRED = {
    "direct": (),
    "dask": ("scheduler",),
    "portable": ("endpoint", "workers"),
    "dataflow": ("project", "region", "temp_location", "image"),
}
# Options of Beam that Beltline sets.
_OURS = (
    *("runner", "job_endpoint", "environment_type", "environment_config", "environment_options"),
    *("sdk_container_image", "beltline_code", "beltline_environment", "beltline_seconds"),
)


class Dask(Section):
    """A cluster of Dask's `distributed`, for `beam.runner: dask`."""

    scheduler: (
        Annotated[
            str,
            spelled(r"^(tcp|tls)://[^/\s?#]+:\d+$", "`tcp://HOST:PORT` or `tls://HOST:PORT`"),
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


class Portable(Section):
    """An engine behind a job service of Beam's, for `beam.runner: portable`."""

    endpoint: Address | None = Field(
        None, description="The job service, as the nodes reach it; required."
    )
    workers: Address | None = Field(
        None,
        description="The worker pool, as the engine reaches it (`python -m "
        "beltline.runners.beam.pool`); required.",
    )
    options: dict[OptionName, str | int | float | bool] = Field(
        default_factory=dict,
        description="Options of the engine by the names that its job service gives them, such as "
        "Flink's `parallelism`.",
    )

    @model_validator(mode="after")
    def _options_are_the_engines(self) -> "Portable":
        for name, value in self.options.items():
            if name in _OURS:
                raise MisplacedError("is set by Beltline", "options", name)
            if value is False:
                raise MisplacedError("is a flag: leave it out instead", "options", name)
        return self


class Beam(Section):
    """Where ExampleGen, StatisticsGen, Transform, Evaluator and BulkInferrer process their rows."""

    runner: Runner = Field(
        "direct",
        description="`direct`, in the node's own process, `dask`, on a cluster of Dask, "
        "`portable`, on another engine of Beam's, or `dataflow`, on Google's. `BELTLINE_BEAM` "
        "overrides the section.",
    )
    nodes: dict[DataNode, Runner] = Field(
        default_factory=dict, description="The runner of single nodes, in place of `runner`."
    )
    dask: Dask = Field(default_factory=Dask, description="The cluster of Dask.")
    portable: Portable = Field(default_factory=Portable, description="The engine.")
    dataflow: Dataflow = Field(default_factory=Dataflow, description="Google's Dataflow.")

    @model_validator(mode="after")
    def _runners_have_what_they_need(self) -> "Beam":
        for key, runner in {"runner": self.runner, **self._by_key()}.items():
            section = getattr(self, runner, None)
            for name in _REQUIRED[runner]:
                if not getattr(section, name):
                    raise MisplacedError(f"required for `beam.{key}: {runner}`", runner, name)
        return self

    def runner_of(self, node: str) -> Runner:
        """Returns the runner of a node."""
        return next((own for name, own in self.nodes.items() if name == node), self.runner)

    def runners(self) -> list[Runner]:
        """Returns the runners that some node has, each once."""
        return list(dict.fromkeys([self.runner, *self.nodes.values()]))

    def _by_key(self) -> dict[str, Runner]:
        return {f"nodes.{node}": runner for node, runner in self.nodes.items()}
