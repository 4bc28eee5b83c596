"""What the monitoring compares: the settings' section `monitoring`, with its paths resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beltline.base.settings.monitoring import Monitoring
from beltline.versions.store import Place


@dataclass(frozen=True)
class MonitoringConfig:
    """The versions, the samples, and the limits of `settings`."""

    folder: Place
    """The version folder; its name is the model's."""
    requests: Path
    """The folder of the sampled requests."""
    settings: Monitoring = field(default_factory=Monitoring)
    labels_root: Path = field(default_factory=Path)
    """Where a relative path of labels begins."""

    @property
    def labels(self) -> Path | None:
        """A CSV or Parquet file of labels, or a folder of them; None if no labels arrive."""
        path = self.settings.labels
        return None if path is None else self.labels_root / Path(path).expanduser()

    @classmethod
    def from_settings(
        cls, section: Mapping[str, Any], folder: Place, root: Path, labels_root: Path
    ) -> "MonitoringConfig":
        """Returns the configuration for the versions in `folder`.

        Args:
          section: the section `monitoring`, as plain values.
          folder: the version folder; its name is the model's.
          root: where the folder of samples is.
          labels_root: where a relative path of labels begins.

        Raises:
          ValueError: the section is invalid, or one of another release.
        """
        missing = [name for name in Monitoring.model_fields if name not in section]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        settings = Monitoring(**section)
        requests = root / settings.directory / folder.name
        return cls(folder, requests, settings, labels_root)
