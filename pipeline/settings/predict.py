"""The section `predict` of `pipeline.yaml`: a table that each run predicts after its push."""

import re
from pathlib import PurePath

from pydantic import Field, field_validator

from beltline.pipeline.settings.rows import Rows

SUFFIXES = (".parquet", ".csv")
"""What the name of an output may end in."""
SPAN = "{SPAN}"
"""In an output, this stands for the span of the rows."""

_BRACES = re.compile(r"\{[^{}]*\}?")


class Predict(Rows):
    """The rows that the live version predicts at the end of each run, and where they go.

    Without this section a run predicts none. See [predictions](predictions.md).
    """

    output: str = Field(
        description="The file that the predictions are published as, `.parquet` or `.csv`; "
        "relative to the root. It is replaced as a whole. `{SPAN}` in it stands for the span of "
        "the rows.",
    )
    keep: list[str] | None = Field(
        None,
        min_length=1,
        description="Columns that are written beside the predictions, as text; by default all that "
        "the model doesn't read.",
    )

    @field_validator("output")
    @classmethod
    def _is_a_file_of_a_known_format(cls, value: str) -> str:
        if PurePath(value).suffix not in SUFFIXES:
            raise ValueError(f"'{value}' must end in {' or '.join(SUFFIXES)}")
        for found in _BRACES.findall(value):
            if found != SPAN:
                raise ValueError(f"'{value}': unknown placeholder {found}: only {SPAN} is allowed")
        return value
