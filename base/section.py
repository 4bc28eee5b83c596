"""What every section of `pipeline.yaml` has in common."""

from pydantic import BaseModel, ConfigDict


class MisplacedError(ValueError):
    """A value that does not go with another; `key` leads from the section to it."""

    def __init__(self, message: str, *key: str):
        super().__init__(message)
        self.key = key


class Section(BaseModel):
    """A mapping in `pipeline.yaml`; a key that it doesn't list is an error."""

    # Strict: `epochs: yes` is no number, and a bound that is not a number would hold nothing back.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=()
    )
