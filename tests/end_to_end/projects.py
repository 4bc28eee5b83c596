"""Small projects for whole runs: a table, and what `beltline init` makes of it."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.csv

from beltline.data.casting import generate
from tests.beltline_process import Beltline, Call, Result

# Every node but the Tuner, in the order of a manifest.
NODES = [
    "ExampleGen",
    "StatisticsGen",
    "Schema",
    "ExampleValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "Champion",
    "Evaluator",
    "ServingCheck",
    "Pusher",
]
# One network, and a model that need not be good: several learners together are other tests' own.
_CHEAP = (
    "model.learners=[network]",
    "training.epochs=2",
    "training.folds=1",
    "evaluation.thresholds.auc.lower=0.3",
)
QUICK = tuple(word for each in _CHEAP for word in ("--set", each))
# A few passes over few rows: what is asked is what runs again, not how good the model is.
ANY_MODEL = (*QUICK, "--set", "evaluation.champion.margin=-1")
# The same trainings wherever the rows were processed.
SEEDED = (*QUICK, "--set", "training.seed=5")


@dataclass
class Project:
    """A folder with a pipeline.yaml, and the command line called in it."""

    beltline: Beltline
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, wrap: str = "") -> Result:
        return self.beltline(*arguments, cwd=self.folder, env=self.env, wrap=wrap)

    def start(self, *arguments: str | Path, wrap: str = "") -> Call:
        return self.beltline.start(*arguments, cwd=self.folder, env=self.env, wrap=wrap)

    def init(self, table: Path, label: str) -> Result:
        result = self("init", table, "--label", label, "-o", ".")
        assert result.code == 0, result.text
        return result

    @property
    def root(self) -> Path:
        return self.folder / ".beltline"

    def versions(self) -> list[str]:
        """The numbers of the served versions."""
        folders = [path for path in self.root.glob("served/*/*") if path.is_dir()]
        return sorted(path.name for path in folders)


def casting(beltline: Beltline, folder: Path, rows: int = 3000, seed: int = 3) -> Project:
    """A project on freshly generated casting data."""
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(generate(rows, seed), folder / "casting.csv")
    project = Project(beltline, folder)
    project.init(folder / "casting.csv", "scrap")
    return project


def begun(beltline: Beltline, folder: Path, rows: int) -> Project:
    """A project whose bundle is compiled, with the first nodes' results in its metadata."""
    project = casting(beltline, folder, rows)
    result = project("run", *QUICK, "--to", "StatisticsGen")
    assert result.code == 0, result.text
    return project


def states(result: Result) -> dict[str, str]:
    """The state of each node, from what `beltline run` printed."""
    rows = [line.split() for line in result.out.splitlines() if line.startswith("  ")]
    return {row[0]: row[1] for row in rows if len(row) >= 4 and row[3] == "s"}
