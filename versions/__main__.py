"""`python -m beltline.versions FOLDER`: the versions without a `pipeline.yaml`, as in a pod.

`beltline models`, `promote` and `rollback` take the folder from the settings; here it is given.
"""

import sys
from pathlib import Path

import click

from beltline.base.errors import BeltlineError, WrongInput
from beltline.versions import approval, live
from beltline.versions.folder import Version, versions, waiting
from beltline.versions.store import Place, place_of


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder")
@click.pass_context
def cli(context: click.Context, folder: str) -> None:
    """List the versions in FOLDER, a path or a URL, the newest last, or change which one is live.

    Exit codes: 0 done, 2 the folder or the version is not found, or the folder can't be written.
    """
    # `.` has no name, and TensorFlow Serving is told the model's.
    place = place_of(Path.cwd(), folder)
    if isinstance(place, Path) and not place.is_dir():
        raise WrongInput(f"{place}: no such folder; versions are in served/<name>")
    context.obj = place
    if context.invoked_subcommand is None:
        click.echo("\n".join(_listed(context.obj)))


@cli.command()
@click.argument("version", type=int)
@click.pass_obj
def promote(folder: Place, version: int) -> None:
    """Make VERSION the live version; a running server serves it within two seconds."""
    before = live.promote(folder, version)
    changed = (
        "is already live" if before == version else f"is now live (previously version {before})"
    )
    click.echo(f"{folder.name}: version {version} {changed}")


@cli.command()
@click.pass_obj
def rollback(folder: Place) -> None:
    """Roll back to the previous version; a second rollback goes one further back."""
    before, now = live.rollback(folder)
    click.echo(f"{folder.name}: rolled back to version {now} (previously version {before})")


@cli.command()
@click.argument("version", type=int)
@click.option("--by", default="", help="Who decides.")
@click.option("--note", default="", help="Why, for whoever asks later.")
@click.pass_obj
def approve(folder: Place, version: int, by: str, note: str) -> None:
    """Approve VERSION, which waits: it becomes the live version."""
    new = approval.approve(folder, version, by, note)
    done = "is now live" if new else "was approved already"
    click.echo(f"{folder.name}: version {version} {done}")


@cli.command()
@click.argument("version", type=int)
@click.option("--by", default="", help="Who decides.")
@click.option("--note", default="", help="Why, for whoever asks later.")
@click.pass_obj
def reject(folder: Place, version: int, by: str, note: str) -> None:
    """Reject VERSION, which waits: it is deleted, and the same model is not held again."""
    new = approval.reject(folder, version, by, note)
    click.echo(f"{folder.name}: version {version} {'rejected' if new else 'was rejected already'}")


def _listed(folder: Place) -> list[str]:
    held = waiting(folder)
    marks = {live.previous(folder): "previous", live.live(folder): "live"}
    marks |= {held.number: "waiting"} if held else {}
    found = [*versions(folder), *([held] if held else [])]
    lines = [_line(each, marks.get(each.number, "")) for each in found]
    return lines or [f"{folder.name}: no version has been pushed yet"]


def _line(version: Version, mark: str) -> str:
    words = (f"{version.number:>4}", version.pushed or "-", version.run or "-", mark)
    return "  ".join(words).rstrip()


def main() -> None:
    """Runs the command; our own errors become their message and exit code."""
    try:
        cli.main(prog_name="python -m beltline.versions", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BeltlineError as error:
        click.echo(f"beltline: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = error.filename or "the folder"
        click.echo(f"beltline: {where}: {error.strerror}; nothing was changed", err=True)
        sys.exit(WrongInput.exit_code)


if __name__ == "__main__":
    main()
