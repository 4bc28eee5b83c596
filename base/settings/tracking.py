"""The section `tracking` of `pipeline.yaml`: which other tools are told of a run.

It says whom, not what: it is no part of the bundle, and nothing runs again because of it.
"""

from typing import Annotated, Literal

from pydantic import Field

from beltline.base.settings.section import Section

Event = Literal["refused", "failed", "pushed", "drift"]

# Without user and password: whoever sees the settings would see them.
Url = Annotated[
    str,
    Field(
        pattern=r"^https?://[^/\s?#@]+(/\S*)?$",
        json_schema_extra={"words": "`http://HOST:PORT` or `https://HOST`, without a password"},
    ),
]


class Webhook(Section):
    """A POST of the run as JSON."""

    url: Url | None = Field(
        None,
        description="Where the JSON is posted. `BELTLINE_WEBHOOK` overrides it; a URL with a "
        "secret belongs there.",
    )
    events: list[Event] = Field(
        default=["refused", "failed", "pushed", "drift"],
        description="What is posted: a gate `refused`, a node `failed`, a version was `pushed`, "
        "or the monitoring found `drift`.",
    )


class Tracking(Section):
    """The tools that are told of each run; one that can't be reached never fails a run."""

    webhook: Webhook | None = Field(None, description="A POST of the run as JSON.")
    prometheus: Annotated[str, Field(pattern=r"[^/]\.prom$")] | None = Field(
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
        description="A backend of OpenLineage, `http://HOST:PORT`, that is told of each node. An "
        "API key belongs into `OPENLINEAGE_API_KEY`.",
    )
