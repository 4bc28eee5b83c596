"""The section `push` of `pipeline.yaml`: where a blessed model goes."""

from typing import Literal

from pydantic import Field, field_validator

from beltline.base.errors import WrongInput
from beltline.base.settings.section import Section
from beltline.storage.url import is_url, parse


class Push(Section):
    """Where a blessed model is pushed."""

    directory: str = Field(
        "served",
        description="Folder of the versions, as `<directory>/<name>/<version>`; relative to the "
        "root. Or a URL, `s3://BUCKET/PATH` or `gs://BUCKET/PATH`.",
    )
    check_rows: int = Field(
        32,
        ge=1,
        description="Rows of the eval split that the serving check sends to the model first.",
    )
    keep: int = Field(
        10,
        ge=1,
        description="How many of the newest versions are kept; the live one and the one that a "
        "rollback would restore are always kept.",
    )
    approval: Literal["none", "required"] = Field(
        "none",
        description="Whether a blessed version is live at once (`none`), or waits for `beltline "
        "approve` (`required`).",
    )

    @field_validator("directory")
    @classmethod
    def _check_url(cls, value: str) -> str:
        try:
            return str(parse(value)) if is_url(value) else value
        except WrongInput as error:
            raise ValueError(str(error)) from None
