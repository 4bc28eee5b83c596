"""The command line. Each command is a module in `commands/`, imported only when it is called.

To add a command, write `commands/<name>.py` with a click command `<name>` and list it below.
"""

import importlib
import os
import sys

import click

from beltline.base.errors import BeltlineError
from beltline.base.printable import printable
from beltline.bundle.environment import VERSION

COMMANDS = {
    "init": "Create a pipeline.yaml and a schema for a table.",
    "run": "Run the pipeline locally, unless it is up to date.",
    "compile": "Compile the pipeline for an orchestrator.",
    "submit": "Submit the pipeline to an orchestrator and follow the run.",
    "check": "Check for anything that would make a run fail.",
    "runs": "List the runs, or the nodes of a run.",
    "report": "Write an HTML report about a run.",
    "tensorboard": "Show training curves in TensorBoard.",
    "ui": "Show the runs in a browser.",
    "notebook": "Explore the project in JupyterLab.",
    "logs": "Print the log of a node.",
    "models": "List the served versions.",
    "serve": "Serve the live version over REST.",
    "predict": "Predict a whole table with the live version.",
    "monitor": "Compare live requests with the training data.",
    "approve": "Approve the version that waits.",
    "reject": "Reject the version that waits.",
    "promote": "Promote a version to live.",
    "rollback": "Roll back to the previous version.",
    "lineage": "Show the lineage of a version.",
    "cluster": "Start a cluster of Dask on this machine.",
}


class _Lazy(click.Group):
    """Commands that are imported when called, so that `--help` need not import Arrow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"beltline.runners.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, package_name="beltline")
def cli() -> None:
    """One TFX pipeline, defined once: local Beam, Airflow, Kubeflow.

    Exit codes: 0 done or up to date, 1 a node failed, 2 invalid command, settings or data, 3 a gate
    refused and nothing was pushed, 130 stopped by Ctrl-C.
    """


def main() -> None:
    """Runs the command line; Beltline's own errors become their message and exit code."""
    # Before anything imports TensorFlow, which would log on every start that it found no GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader, such as `head`, closed the pipe; the interpreter must not flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except click.Abort:
        click.echo("beltline: stopped by SIGINT", err=True)
        sys.exit(130)
    except BeltlineError as error:
        click.echo(f"beltline: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
