"""The section `serving` of `pipeline.yaml`: the REST server's port and limits.

`pipeline.yaml`, `beltline serve` and the options of `python -m beltline.serving` all have these
fields: a new one is declared here alone. They change no run.
"""

from pydantic import Field

from beltline.base.section import Section


class ServingLimits(Section):
    """The server that `beltline serve` starts."""

    port: int = Field(
        8501, ge=0, le=65_535, description="The port; 0 is a free one. `--port` overrides it."
    )
    max_request_mb: float = Field(
        16, gt=0, le=1024, description="Largest body of one request, in MiB."
    )
    max_rows: int = Field(10_000, ge=1, description="Most rows of one request.")
    timeout_seconds: float = Field(
        30, gt=0, le=3600, description="Longest that a request waits for its answer."
    )
    batch_rows: int = Field(
        256,
        ge=1,
        description="Most rows that the model is asked at once: those of requests that come at the "
        "same time go together.",
    )
    queue_rows: int = Field(
        4_096,
        ge=1,
        description="Most rows that wait for the model; a request beyond them is told to come "
        "again.",
    )
