"""A project: a `pipeline.yaml` that is run from a notebook, whole or up to a node.

A run is `beltline run --json` in a process of its own. So its nodes are those of every other run,
with their cache, gates and logs, and what a notebook tried is cached for the command line. It could
not be in this process: the local runner forks nodes, which is not safe once TensorFlow has run
here. TFX's InteractiveContext runs executors in the kernel, in a pipeline and a root of its own.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beltline.api.root import Root
from beltline.api.run import Run
from beltline.api.server import serving
from beltline.base.errors import GateRefused, NodeFailed, WrongInput
from beltline.pipeline.settings.reading import Project as Read
from beltline.pipeline.settings.reading import read_project
from beltline.pipeline.settings.settings import Settings
from beltline.runners.paths import Paths

_FILE = "pipeline.yaml"
# Before it, it may have said that it starts, or which tool could not be told of the run.
_ERROR = re.compile(r"^beltline: ", re.MULTILINE)
_COMMAND = (sys.executable, "-m", "beltline.runners.cli")


class Project:
    """A `pipeline.yaml`, which is read again whenever something is asked.

    Attributes:
      file: the file.
    """

    def __init__(self, file: Path) -> None:
        """Reads the file once, so that a mistake in it shows at once.

        Raises:
          WrongInput: the settings are invalid.
        """
        self.file = file
        self._read()

    @property
    def folder(self) -> Path:
        """The folder of the file: model code of your own belongs here."""
        return self.file.parent

    @property
    def settings(self) -> Settings:
        """The settings as they are in the file now."""
        return self._read().settings

    @property
    def schema(self) -> Path:
        """The file of the schema."""
        found = self._read()
        return found.resolve(found.settings.schema_file)

    @property
    def root(self) -> Root:
        """The root of the project, with its runs and versions."""
        found = self._read()
        settings = found.settings
        paths = Paths.from_environment(found.resolve(settings.local.root), settings.local.metadata)
        return Root(paths, settings.name, paths.served(settings.push.directory, settings.name))

    def run(
        self,
        to: str | None = None,
        start: str | None = None,
        force: str | bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> Run:
        """Runs the pipeline, prints a line for each node as it ends, and returns the run.

        Nodes whose inputs and settings have not changed come from the cache. A run that a gate
        refuses is returned, too: `why` says what it lacks.

        Args:
          to: stops after this node.
          start: starts at this node, with the results of the latest run.
          force: runs this node, or with True every node, even if its result is cached.
          settings: overrides settings for this run, by their dotted keys, as `training.epochs`.

        Raises:
          WrongInput: the settings, the data or a node's name are invalid.
          NodeFailed: a node failed.
        """
        options = _options(to, start, force, settings or {})
        run, code, said = _followed(["run", "-f", str(self.file), "--json", *options])
        if code == WrongInput.exit_code:
            raise WrongInput(said)
        if code not in (0, GateRefused.exit_code) or not run:
            raise NodeFailed(said)
        return self.root.runs[run]

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serves the live version while the `with` block runs; yields the URL of the server.

        It is `beltline serve` at a free port of 127.0.0.1.

        Raises:
          WrongInput: it does not start, as where no version has been pushed.
        """
        with serving([*_COMMAND, "serve", "-f", str(self.file)]) as url:
            yield url

    def _read(self) -> Read:
        return read_project(self.file)

    def __repr__(self) -> str:
        return f"<Project {self.settings.name}: {self.file}>"


def find_project(file: str | Path | None) -> Project:
    """Returns a project; `beltline.project` says what the argument is.

    Raises:
      WrongInput: there is no such file, or it is invalid.
    """
    if file is not None:
        given = Path(file).expanduser().absolute()
        return Project(given / _FILE if given.is_dir() else given)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _FILE).is_file():
            return Project(folder / _FILE)
    raise WrongInput(
        f"no {_FILE} in {here} or above it; `beltline init DATA --label COL` writes one"
    )


def _options(
    to: str | None, start: str | None, force: str | bool, settings: Mapping[str, Any]
) -> list[str]:
    """Returns the options of `beltline run` for what `Project.run` is given."""
    words = []
    for key, value in settings.items():
        words += ["--set", f"{key}={json.dumps(value, ensure_ascii=False)}"]
    for option, node in (("--to", to), ("--from", start)):
        words += [option, node] if node else []
    if force:
        words += ["--force", *([force] if isinstance(force, str) else [])]
    return words


def _followed(words: list[str]) -> tuple[str, int, str]:
    """Calls the command line, and prints each node as it ends.

    Returns:
      The run's id, the exit code, and the error that was printed.
    """
    run = ""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own command line, no shell
            [*_COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                run = _tell(json.loads(line)) or run
        except KeyboardInterrupt:
            # The signal goes to the whole process group, so the run is about to stop itself.
            process.wait()
            raise
        process.wait()
        log.seek(0)
        return run, process.returncode, _ERROR.split(log.read())[-1].strip()


def _tell(event: Mapping[str, Any]) -> str:
    """Prints what a node has come to, or the run; returns the run's id at its end."""
    if event["event"] == "ended":
        took = f"{event['seconds']:6.1f} s"
        print(f"{event['node']:<18}{event['state']:<8} {took}  {event['detail']}".rstrip())
    if event["event"] != "result":
        return ""
    print(f"run {event['run']}: {event['end']}")
    return str(event["run"])
