"""Nodes in a Python environment on the worker, each a process that ends with its task."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import (
    SubprocessHook,
    SubprocessResult,
    working_directory,
)
from airflow.providers.standard.operators.bash import BashOperator

from .nodes import (
    ANSWER,
    DECIDE,
    GRACE_SECONDS,
    MONITOR,
    PROBE,
    RUN,
    TRACK,
    WATCH,
    Context,
    Deployment,
    Environment,
    end_with_parent,
    key,
    log,
    template,
    without_secrets,
)
from .results import NodeLog, announce, conclude, hold

_RECONCILE_SECONDS = 120


class NodeProcess(SubprocessHook):
    """A node's process; its lines are logged at their own levels."""

    def run_command(
        self,
        command: list[str],
        env: Environment | None = None,
        output_encoding: str = "utf-8",
        cwd: str | None = None,
    ) -> SubprocessResult:
        """Runs the command; returns its exit code and the node's result."""
        lines = NodeLog()
        with working_directory(cwd) as folder:
            self.sub_process = process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=folder,
                start_new_session=True,
                # A task that is killed must not leave its node behind.
                preexec_fn=end_with_parent,  # noqa: PLW1509 - one thread
            )
            # Not closed where the time limit interrupts this: the node still has words to write.
            for line in process.stdout or ():
                lines.take(line.decode(output_encoding, errors="backslashreplace").rstrip())
            return SubprocessResult(process.wait(), lines.result)

    def stop(self) -> None:
        """Sends SIGTERM, so that the node marks its execution as failed; later SIGKILL."""
        if self.sub_process is None:
            return
        self._signal(signal.SIGTERM)
        killing = threading.Timer(GRACE_SECONDS, self._signal, [signal.SIGKILL])
        killing.daemon = True
        killing.start()

    def wait(self) -> None:
        """Waits for the node's process to end."""
        if self.sub_process is not None:
            self.sub_process.wait(2 * GRACE_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        # Once it has been reaped, its process id may belong to another process.
        if self.sub_process is not None and self.sub_process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.sub_process.pid, number)


class NodeOperator(BashOperator):
    """Runs a node in a Python environment on this machine.

    The command is the same for every run. Everything that differs, or that a user typed, is in the
    environment, and so never parsed by the shell.
    """

    # A value that ends in .sh is not a template file.
    template_ext = ()

    def __init__(self, *, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._deployment = deployment

    @cached_property
    def subprocess_hook(self) -> NodeProcess:
        """The node's process."""
        return NodeProcess()

    def get_env(self, context: Context) -> Environment:
        """Returns the node's environment, without Airflow's own secrets."""
        return {**without_secrets(super().get_env(context)), **self._deployment.environment()}

    def execute(self, context: Context) -> dict[str, Any]:
        """Runs the node and returns its result."""
        end_with_parent()
        command = ["bash", "-c", self.bash_command]
        ended = self.subprocess_hook.run_command(command, self.get_env(context))
        hold(context, ended.output)
        result = conclude(ended.exit_code, ended.output)
        for asset in self.outlets:
            announce(context, asset, result)
        return result

    def on_kill(self) -> None:
        """Stops the node."""
        self.subprocess_hook.stop()

    def reconcile(self, context: Context, reason: str) -> None:
        """Reconciles ML Metadata after the node's process has ended."""
        self.subprocess_hook.wait()
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            self._deployment.reconcile_command([self.task_id], context, reason),
            env={**without_secrets(dict(os.environ)), **self._deployment.environment()},
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_RECONCILE_SECONDS,
            check=False,
        )
        level = logging.ERROR if done.returncode else logging.INFO
        log.log(level, "reconcile: exit code %s %s", done.returncode, done.stderr.strip())


def task(deployment: Deployment, node: dict[str, Any], **kwargs: Any) -> NodeOperator:
    """Returns the task of a node that runs in an environment on the worker."""
    command, values = _command(deployment, node["id"])
    return NodeOperator(
        deployment=deployment,
        bash_command=f'exec "$BELTLINE_PYTHON" -m {command}',
        env={
            "BELTLINE_PYTHON": deployment.python,
            "BELTLINE_BUNDLE": str(deployment.bundle),
            **values,
        },
        append_env=True,
        **kwargs,
    )


def _command(deployment: Deployment, node: str) -> tuple[str, Environment]:
    """Returns the Python module with its arguments, and the templates of their variables."""
    if node == PROBE:
        return 'beltline.runners.checks.probe --bundle "$BELTLINE_BUNDLE"', {}
    if node == TRACK:
        command = 'beltline.runners.tracking --bundle "$BELTLINE_BUNDLE" --run "$BELTLINE_RUN"'
        return command, {"BELTLINE_RUN": RUN}
    if node == DECIDE:
        return _decide()
    return _monitor(deployment) if node == MONITOR else _node(deployment, node)


def _decide() -> tuple[str, Environment]:
    names = {option: f"BELTLINE_ANSWER_{option.upper()}" for option in ANSWER}
    given = " ".join(f'--{option} "${variable}"' for option, variable in names.items())
    values = {names[option]: answer for option, answer in ANSWER.items()}
    command = f'beltline.runners.approval --bundle "$BELTLINE_BUNDLE" --run "$BELTLINE_RUN" {given}'
    return command, {"BELTLINE_RUN": RUN, **values}


def _monitor(deployment: Deployment) -> tuple[str, Environment]:
    values = {
        "BELTLINE_SERVED": deployment.served,
        "BELTLINE_WATCH": WATCH,
        "BELTLINE_PAUSE": str(deployment.airflow["retrain_pause_hours"]),
        "BELTLINE_RUN": RUN,
    }
    command = (
        'beltline.runners.monitor --served "$BELTLINE_SERVED" --watch "$BELTLINE_WATCH" '
        '--pause-hours "$BELTLINE_PAUSE" --run "$BELTLINE_RUN"'
    )
    return command, values


def _node(deployment: Deployment, node: str) -> tuple[str, Environment]:
    names = {name: _variable(name) for name in deployment.manifest["parameters"]}
    given = " ".join(f'--param "{name}=${variable}"' for name, variable in names.items())
    values = {
        "BELTLINE_NODE": node,
        "BELTLINE_RUN": RUN,
        "BELTLINE_FORCE": "{{ 'yes' if forced(params, task.task_id) else '' }}",
        **{variable: template(name) for name, variable in names.items()},
    }
    module = "beltline.runners.warm" if deployment.airflow["warm"] else "beltline.runners.node"
    command = (
        f'{module} --bundle "$BELTLINE_BUNDLE" --node "$BELTLINE_NODE" --run "$BELTLINE_RUN" '
        f"{given} ${{BELTLINE_FORCE:+--force}}"
    )
    return command, values


def _variable(parameter: str) -> str:
    return f"BELTLINE_PARAM_{key(parameter).upper()}"
