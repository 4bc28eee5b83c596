"""What to compare, and where the limits are: the settings' section `monitoring`, at its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bounds:
    """What a live metric must reach; None is no bound."""

    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class Watch:
    """What to compare, and where the limits are.

    `folder` has the versions and `requests` the samples. `labels` is a CSV or Parquet file, or a
    folder of them, with the columns `key` and the label's; None: no labels arrive. The limits are
    described at the settings, `pipeline/settings/monitoring.py`, whose defaults these are too.
    """

    folder: Path
    requests: Path
    labels: Path | None = None
    key: str | None = None
    window_hours: float = 24
    label_hours: float = 168
    min_rows: int = 200
    skew: float = 0.05
    drift: float = 0.05
    new_values: float = 0.01
    missing: float = 0.05
    score: float = 0.05
    metrics: Mapping[str, Bounds] = field(default_factory=dict)

    @classmethod
    def from_settings(
        cls, section: Mapping[str, Any], folder: Path, root: Path, start: Path
    ) -> "Watch":
        """Returns what the settings' section says, for the versions in `folder`.

        Args:
          section: the section `monitoring`, as plain values.
          folder: the versions' folder; its name is the model's.
          root: where the folder of samples is.
          start: where a relative path of labels begins.

        Raises:
          KeyError: the section is one of another release.
        """
        labels = section["labels"]
        names = ("key", "window_hours", "label_hours", "min_rows")
        limits = ("skew", "drift", "new_values", "missing", "score")
        return cls(
            folder=folder,
            requests=root / section["directory"] / folder.name,
            labels=None if labels is None else start / Path(labels).expanduser(),
            metrics={name: Bounds(**bounds) for name, bounds in section["metrics"].items()},
            **{name: section[name] for name in (*names, *limits)},
        )
