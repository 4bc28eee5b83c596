"""The section `serving` of `pipeline.yaml`: the server's ports and limits.

`pipeline.yaml`, `beltline serve` and the options of `python -m beltline.serving` all have these
fields: a new one is declared here alone. They change no run.
"""

from typing import Literal

from pydantic import Field

from beltline.base.settings.section import Section


class ServingLimits(Section):
    """The server that `beltline serve` starts."""

    port: int = Field(
        8501, ge=0, le=65_535, description="The port; 0 is a free one. `--port` overrides it."
    )
    grpc_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="The port of the gRPC API, null for none; 0 is a free one. `--grpc-port` "
        "overrides it.",
    )
    max_request_mb: float = Field(
        16, gt=0, le=1024, description="Maximal size of a request body, in MiB."
    )
    max_rows: int = Field(10_000, ge=1, description="Maximal number of rows in a request.")
    timeout_seconds: float = Field(30, gt=0, le=3600, description="Timeout of a request.")
    batch_rows: int = Field(
        256,
        ge=1,
        description="Maximal batch size in rows; concurrent requests run as one batch.",
    )
    queue_rows: int = Field(
        4_096,
        ge=1,
        description="Maximal number of rows in the queue; a request beyond it gets 503.",
    )
    unknown_columns: Literal["error", "ignore"] = Field(
        "error",
        description="Whether a column that the table does not have makes a request invalid.",
    )
