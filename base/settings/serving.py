"""The section `serving` of `pipeline.yaml`: the server's ports, limits, proxy and access log.

`pipeline.yaml`, `beltline serve` and the options of `python -m beltline.serving` all have these
fields: a new one is declared here alone. They change no run.
"""

import re
from ipaddress import ip_network
from typing import Literal

from pydantic import Field, field_validator

from beltline.base.settings.section import Section

PREFIX = re.compile("(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
"""A path that may come before that of every page: nothing in it needs an escape."""


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
    path_prefix: str | None = Field(
        None,
        description="Path that the server answers below, such as `/casting`, for a proxy that "
        "passes paths on as they are. The probes are answered without it, too.",
    )
    trusted_proxies: list[str] = Field(
        [],
        description="Addresses and networks of proxies whose `X-Forwarded-*` are believed, such as "
        "`127.0.0.1` or `10.0.0.0/8`.",
    )
    access_log: str | None = Field(
        None,
        min_length=1,
        description="File to append a JSON line to for each request; `-` is standard output.",
    )

    @field_validator("path_prefix")
    @classmethod
    def _is_prefix(cls, given: str | None) -> str | None:
        if given is not None and not PREFIX.fullmatch(given):
            raise ValueError(
                "must begin with a slash and not end with one, such as `/casting`; allowed between "
                "slashes: letters, digits, `-`, `_`, `~`, `.`"
            )
        return given

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: list[str]) -> list[str]:
        for each in given:
            ip_network(each)
        return given
