"""Where rows come from: the keys that the sections `data` and `predict` share."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from beltline.base.settings.section import MisplacedError, Section

SPAN_PATTERN = "^(latest|[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})$"
"""The newest span, a number, or a day."""

# The key that a kind of source needs, and those that don't go with it.
_KEYS_OF_SOURCE = {"files": ("path", ("query", "changed_by")), "sql": ("query", ("path",))}


class Rows(Section):
    """Where the rows come from."""

    source: Literal["files", "sql"] = Field(
        "files",
        description="The kind of source: files, or a query to the database that "
        "`BELTLINE_DATABASE` names.",
    )
    path: str | None = Field(
        None,
        description="A CSV or Parquet file, a folder of them, or a pattern such as `in/*.csv`; "
        "relative to the folder of `pipeline.yaml`; or a URL of these, `s3://` or `gs://`. It may "
        "contain `{YYYY}`, `{MM}` and `{DD}`, or "
        "`{SPAN}`, and `{VERSION}`. Required with `files`.",
    )
    query: str | None = Field(
        None,
        description="The SQL query whose rows are read; it may contain `:span`. Required with "
        "`sql`.",
    )
    changed_by: str | None = Field(
        None,
        description="An SQL query whose result changes whenever that of `query` does, such as "
        "`SELECT max(id), count(*) FROM parts`; without it a run reads all rows to compare them.",
    )
    span: Annotated[str, Field(pattern=SPAN_PATTERN)] = Field(
        "latest",
        description="Which span of the data, where `path` contains placeholders: `latest`, a day "
        "as `2026-11-23`, or a number for `{SPAN}`. Where `query` contains `:span`, its value.",
    )

    @field_validator("span", mode="before")
    @classmethod
    def _span_as_text(cls, value: Any) -> Any:
        # YAML reads an unquoted day as a date, and a number as one.
        return str(value) if type(value) in (int, date) else value

    @model_validator(mode="after")
    def _keys_go_with_the_source(self) -> Self:
        needed, others = _KEYS_OF_SOURCE[self.source]
        if not getattr(self, needed):
            raise MisplacedError(f"is required with `source: {self.source}`", needed)
        for key in others:
            if getattr(self, key) is not None:
                raise MisplacedError(f"can't be combined with `source: {self.source}`", key)
        return self
