"""The section `tracking` of `pipeline.yaml`: which other tools are told of a run.

It says whom, not what: it is no part of the bundle, and nothing runs again because of it.
"""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from beltline.base.settings.section import Section

Event = Literal["refused", "failed", "pushed", "waiting", "drift"]


def _check_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https") or re.search(r"\s", value):
        raise ValueError("must be a URL, http://HOST:PORT or https://HOST")
    if parts.username is not None:
        raise ValueError("must hold no password: it belongs into the environment")
    return value


def _check_textfile(value: str) -> str:
    if not re.search(r"[^/]\.prom$", value):
        raise ValueError("must be a file NAME.prom: node_exporter reads no other ones")
    return value


Url = Annotated[
    str,
    AfterValidator(_check_url),
    Field(json_schema_extra={"words": "`http://HOST:PORT` or `https://HOST`"}),
]
Textfile = Annotated[
    str, AfterValidator(_check_textfile), Field(json_schema_extra={"words": "`NAME.prom`"})
]


class Webhook(Section):
    """A POST of the run as JSON."""

    url: Url | None = Field(
        None,
        description="Where the JSON is posted. `BELTLINE_WEBHOOK` overrides it; a URL with a "
        "secret belongs there.",
    )
    events: list[Event] = Field(
        default=["refused", "failed", "pushed", "waiting", "drift"],
        description="What is posted: a gate `refused`, a node `failed`, a version was `pushed`, "
        "one is `waiting` for approval, or the monitoring found `drift`.",
    )


class Tracking(Section):
    """The tools that are told of each run; one that can't be reached never fails a run."""

    webhook: Webhook | None = Field(None, description="A POST of the run as JSON.")
    prometheus: Textfile | None = Field(
        None,
        description="File, `NAME.prom`, for the textfile collector of Prometheus' node_exporter; "
        "relative to the root. One for each pipeline.",
    )
    mlflow: Url | None = Field(
        None,
        description="An MLflow server, `http://HOST:PORT`, to which runs are logged and at which "
        "versions are registered. A password belongs into `MLFLOW_TRACKING_USERNAME` and "
        "`MLFLOW_TRACKING_PASSWORD`, or a token into `MLFLOW_TRACKING_TOKEN`.",
    )
    openlineage: Url | None = Field(
        None,
        description="An OpenLineage backend, `http://HOST:PORT`, that gets each node's start and "
        "end. Its API key belongs into `OPENLINEAGE_API_KEY`.",
    )
