"""The section `push` of `pipeline.yaml`: where a blessed model goes."""

from pydantic import Field

from beltline.base.settings.section import Section


class Push(Section):
    """Where a blessed model is pushed."""

    directory: str = Field(
        "served",
        description="Folder of the versions, as `<directory>/<name>/<version>`; relative to the "
        "root.",
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
