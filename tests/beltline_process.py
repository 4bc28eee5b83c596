"""Calls the command line in processes forked from one that has imported TFX once."""

import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

PRELOAD = [
    "beltline.pipeline.compile",
    "beltline.pipeline.components.example_gen",
    "tfx.orchestration.local.runner_utils",
    "tfx.orchestration.portable.launcher",
    "tfx.orchestration.portable.partial_run_utils",
    "tests.beltline_process",
]


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Call:
    """A command that has been started."""

    def __init__(self, process: ForkServerProcess, folder: Path):
        self.process = process
        self._folder = folder

    @property
    def out(self) -> str:
        """What it has written so far."""
        file = self._folder / "out"
        return file.read_text() if file.exists() else ""

    def wait(self, seconds: float = 600) -> Result:
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"still running after {seconds} s:\n{self.out}"
        result = Result(self.process.exitcode, self.out, (self._folder / "err").read_text())
        shutil.rmtree(self._folder)
        return result


class Beltline:
    """The command line; each call is a process of its own, without the seconds of imports."""

    def __init__(self) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOAD)

    def start(
        self,
        *arguments: str | Path,
        cwd: Path,
        env: dict[str, str] | None = None,
        wrap: str = "",
        program: str = "beltline.runners.cli.main",
    ) -> Call:
        """Starts `program`'s main; `wrap` is a `module:function` to call beforehand."""
        folder = Path(tempfile.mkdtemp(prefix="beltline-call-"))
        words = [str(argument) for argument in arguments]
        how = (words, cwd, env or {}, folder, wrap, program)
        process = self._context.Process(target=_call, args=how)
        process.start()
        return Call(process, folder)

    def __call__(self, *arguments: str | Path, cwd: Path, **how: Any) -> Result:
        return self.start(*arguments, cwd=cwd, **how).wait()


def _call(
    words: list[str], cwd: Path, env: dict[str, str], folder: Path, wrap: str, program: str
) -> None:
    os.chdir(cwd)
    for name in [name for name in os.environ if name.startswith("BELTLINE_")]:
        del os.environ[name]
    os.environ.update(env)
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Its type says TextIO, which may be anything.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a process's own can
    if wrap:
        module, _, function = wrap.partition(":")
        getattr(importlib.import_module(module), function)()
    sys.argv = ["beltline", *words]
    importlib.import_module(program).main()
