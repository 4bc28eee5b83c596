"""A table in a folder of its own, with a project that `beltline init` made and what runs left."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beltline.models.config import features_from_config
from beltline.models.features import Features
from beltline.models.folds import number_of_folds
from benchmarks.executions import latest, node_seconds, output_folder
from benchmarks.processes import measure
from benchmarks.quality.sets import SPLIT_BY, write

_LEARNED = 0.8  # the share of train and validation


@dataclass(frozen=True)
class Workspace:
    """The folder of one split of a set."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Its `pipeline.yaml`."""
        return self.folder / "pipeline.yaml"

    @property
    def examples(self) -> Path:
        """The rows of all splits as they were read."""
        return output_folder(self._root, "ExampleGen", "examples")

    @property
    def transformed(self) -> Path:
        """The rows of train and validation as the network or the trees get them."""
        return output_folder(self._root, "Transform", "transformed_examples")

    @property
    def graph(self) -> Path:
        """Transform's graph."""
        return output_folder(self._root, "Transform", "transform_graph")

    @property
    def model(self) -> Path:
        """The exported model of the last run."""
        return output_folder(self._root, "Trainer", "model") / "Format-Serving"

    @property
    def trainer_seconds(self) -> float:
        """How long the Trainer of the last run took."""
        return node_seconds(self._root)["Trainer"]

    @property
    def features(self) -> Features:
        """The columns that the last Transform read, and the label."""
        transform = latest(self._root)["Transform"]
        text = transform.custom_properties["custom_config"].string_value
        return features_from_config(json.loads(text))

    @property
    def _root(self) -> Path:
        return self.folder / "root"

    def begin(self, name: str, split: int) -> None:
        """Writes the table of a set, split this way, and what `init` makes of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = self.folder / f"{name}.csv"
        label = write(name, split, data)
        self._beltline(["init", str(data), "--label", label, "-o", str(self.folder)])

    def run(self, to: str, settings: Sequence[str] = ()) -> None:
        """Runs the pipeline up to a node; what is cached is not run again.

        Args:
          to: the node.
          settings: `KEY=VALUE`, laid over the defaults.
        """
        changes = [word for setting in self.with_split(settings) for word in ("--set", setting)]
        self._beltline(["run", "-f", str(self.settings), "--to", to, *changes])

    def with_split(self, settings: Sequence[str]) -> list[str]:
        """Returns the settings with those that split the rows by the set's own column.

        To Beltline rows with a key belong together, and then are neither stratified nor learned
        from in folds. Here the key is another one in each row, so they are as they would be
        without one.
        """
        [data] = self.folder.glob("*.csv")
        with data.open("rb") as lines:
            rows = sum(1 for _ in lines) - 1
        folds = number_of_folds("auto", round(_LEARNED * rows), "trees")
        apart = [f"data.split_by={SPLIT_BY}", "data.stratify=false", f"training.folds={folds}"]
        return [*apart, *settings]

    def _beltline(self, words: list[str]) -> None:
        command = [sys.executable, "-m", "beltline.runners.cli", *words]
        measure(command, {"BELTLINE_ROOT": str(self._root)}, self.folder / "log")
