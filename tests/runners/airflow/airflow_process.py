"""Folders as `beltline compile airflow` writes them, and the real Airflow that reads them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from beltline.base.settings.airflow import Airflow as Section
from beltline.base.settings.tracking import Tracking
from beltline.bundle import folder as bundles
from beltline.bundle.manifest import Node, Resources
from beltline.runners.airflow import compile as deployment
from beltline.runners.paths import Paths
from tests.bundle.bundles import NODES, manifest

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-airflow" / "bin" / "python"
GPU_NODE = "Trainer"
DATA_PATH = "data-path"


class Airflow:
    """A process of Airflow's environment, so that its import is paid for once."""

    def __init__(self, home: Path, **environment: str):
        settings = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        self._log = (home / "log").open("w+")
        self._process = subprocess.Popen(
            [str(PYTHON), str(Path(__file__).with_name("inside.py"))],
            env={**os.environ, **settings, **WORKER, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, question: str, folder: Path, **details: Any) -> Any:
        """Asks one of the functions in `inside.py`."""
        self.begin(question, folder, **details)
        return self.answer()

    def answer(self) -> Any:
        """Waits for the answer to what was begun."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        self._log.seek(0)
        assert line, self._log.read()[-3000:]
        return json.loads(line)

    def begin(self, question: str, folder: Path, **details: Any) -> None:
        """Asks without waiting for the answer."""
        assert self._process.stdin
        words = {"ask": question, "folder": str(folder), **details}
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Asks the task to end, as its supervisor does."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self._process.kill()
        self._process.wait(30)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


# What the worker has of its own.
WORKER = {
    "AIRFLOW_CONN_LEDGER": "postgres://ledger:p%40ss%3A%2Fword@db.example:5433/mlmd",
    "BELTLINE_DATABASE": "mysql://reader:secret@db.example/parts",
    "BELTLINE_WEBHOOK": "https://hooks.example/secret",
}


def nodes() -> tuple[Node, ...]:
    """The small bundle's nodes; the Trainer asks for resources."""
    wanted = Resources(cpu=1.5, memory="2Gi", gpu=2)
    return tuple(
        node.model_copy(update={"resources": wanted}) if node.id == GPU_NODE else node
        for node in NODES
    )


def compiled(
    folder: Path,
    name: str = "line",
    span: str = "",
    predict: dict[str, str] | None = None,
    tracking: dict[str, Any] | None = None,
    approval: str = "none",
    **airflow: Any,
) -> Path:
    """Writes what `beltline compile airflow` would, with a bundle that needs no TFX.

    With `span`, the data are those of a query, and this is its span where nobody names one. With
    `predict`, the section of that name, there is a node behind the Pusher and a parameter for it.
    `tracking` is the section of that name, and `approval` the setting `push.approval`.
    """
    section = Section.model_validate(airflow)
    told = Tracking.model_validate(tracking or {})
    paths = Paths(folder / "root", "sqlite:///unused", folder / "data", tracking=told)
    parameters = {key: each for key, each in PARAMETERS.items() if not (span and key == DATA_PATH)}
    parameters["span"] = parameters["span"] | {"default": span or "latest"}
    if predict:
        parameters["predict-span"] = PARAMETERS["span"] | {"default": predict.get("span", "latest")}
    behind = [PREDICTIONS] if predict else []
    made = manifest(name=name, nodes=(*nodes(), *behind), parameters=parameters)
    data = {"source": "sql", "query": "SELECT :span"} if span else {}
    target = folder / "dags" / name
    written = bundles.write(target / "bundles", made, b"", b"")
    resolved = {**deployment.resolved(section, paths), "task": "binary"}
    shown = {"name": name, "data": data, "push": {"approval": approval}}
    shown |= {"predict": predict} if predict else {}
    tasks = deployment.tasks(written.manifest, section)
    deployment.write(target, written, tasks, resolved, MONITORING, shown)
    return target


PREDICTIONS = Node(
    id="BulkInferrer", role="release", does="Asks.", upstream=("Pusher",), after_skipped=True
)
# What a template, or a shell, would make something else of.
MONITORING = {"min_rows": 500, "without": ["{{ 7 * 7 }} '$(touch x)"], "metrics": {"auc": {}}}
PARAMETERS = {
    DATA_PATH: {"type": "string", "default": "line.csv", "does": "Where the data are."},
    "span": {
        "type": "string",
        "default": "latest",
        "does": "Which part.",
        "pattern": "^(latest|[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})$",
    },
    "steps": {"type": "integer", "default": 0, "does": "Most steps."},
}


def environment(folder: Path, body: str) -> Path:
    """Makes an environment whose Python is a real program, with `body` for the node runner.

    It first writes its arguments and its environment beside itself, as `called-<module>.json`.
    """
    program = folder / "environment" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, os, signal, sys, time\n"
        f"with open({str(folder)!r} + f'/called-{{sys.argv[2]}}.json', 'w') as file:\n"
        "    json.dump({'arguments': sys.argv[1:], 'environment': dict(os.environ)}, file)\n"
        "def result(state, reason='', outputs=None):\n"
        "    print(json.dumps({'node': 'n', 'state': state, 'execution_id': 1,\n"
        "                      'outputs': outputs or {}, 'reason': reason}), flush=True)\n"
        "if sys.argv[2] == 'beltline.runners.metadata.reconcile':\n"
        "    sys.exit(0)\n"
        f"{body}\n"
    )
    program.chmod(0o755)
    return program.parents[1]


def called(folder: Path, module: str = "beltline.runners.warm") -> Any:
    """What that program was called with."""
    return json.loads((folder / f"called-{module}.json").read_text())
