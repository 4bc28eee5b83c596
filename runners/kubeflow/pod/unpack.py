"""The first task of a package: unpacks the bundle in it to the volume that all pods share.

`python -m beltline.runners.kubeflow.pod.unpack --bundles DIR --bundle NAME TEXT`; needs no TFX.
Pods of several runs may do so concurrently: the bundle's folder appears atomically.
"""

import shutil
import sys
from pathlib import Path

import click

from beltline.base.errors import BeltlineError, WrongInput
from beltline.bundle.folder import open_bundle, publish, stage
from beltline.runners.kubeflow.delivery import decoded


def unpack(bundles: Path, name: str, text: str) -> bool:
    """Writes the bundle to `bundles/name`; returns False if it already exists.

    Raises:
      WrongInput: the text or the existing folder holds another bundle, or the volume is not
        writable.
    """
    path = bundles / name
    try:
        if path.exists():
            open_bundle(path)
            return False
        contents = decoded(text)
        bundles.mkdir(parents=True, exist_ok=True)
        staged = stage(bundles, contents)
        try:
            _check(staged, name)
            return publish(staged, path)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise WrongInput(
            f"{bundles}: not writable: {error.strerror}; is the volume mounted there, and writable "
            "for the pod's user (kubeflow.user, kubeflow.group)?"
        ) from None


def _check(staged: Path, name: str) -> None:
    try:
        found = open_bundle(staged).manifest.digest[:16]
    except WrongInput as error:
        # The folder is gone by then.
        says = str(error).replace(str(staged), f"the package's bundle {name}")
        raise WrongInput(says) from None
    if found != name:
        raise WrongInput(
            f"the package carries bundle {found} under the name {name}: compile and upload it again"
        )


@click.command()
@click.option("--bundles", type=Path, required=True, help="The folder of all bundles.")
@click.option("--bundle", "name", required=True, help="The bundle's name there.")
@click.argument("text")
def main(bundles: Path, name: str, text: str) -> None:
    """Unpack the bundle in TEXT to the volume."""
    try:
        written = unpack(bundles, name, text)
    except BeltlineError as error:
        click.echo(f"beltline: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo(f"{bundles / name}: {'written' if written else 'already exists'}")


if __name__ == "__main__":
    main()
