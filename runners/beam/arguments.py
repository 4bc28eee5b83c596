"""The section `beam` as a node's Beam arguments; they replace the bundle's at launch."""

import importlib
from importlib.util import find_spec
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam, Dask, Portable

# The modules of the runners, each of which has a NodeRunner.
_DASK = "beltline.runners.beam.dask"
_PORTABLE = "beltline.runners.beam.portable"


def arguments(beam: Beam, node: str, code: Path) -> list[str] | None:
    """Returns a node's Beam arguments; None for those of the bundle.

    Args:
      beam: the section.
      node: the node's id.
      code: the bundle's model code.

    Raises:
      WrongInput: what the runner needs is not installed.
    """
    runner = beam.runner_of(node)
    if runner == "direct":
        return None
    if runner == "portable":
        return [*portable_arguments(beam.portable), f"--beltline_code={code}"]
    if find_spec("distributed") is None:
        raise WrongInput(
            "beam.runner: 'dask' requires Dask: install the locked requirements, or beltline[dask]"
        )
    return [*_dask_arguments(beam.dask), f"--beltline_code={code}"]


def know_options(beam: Beam, node: str) -> None:
    """Imports what declares the options of a node's runner; that must be before Beam parses any."""
    module = {"dask": _DASK, "portable": _PORTABLE}.get(beam.runner_of(node))
    if module:
        importlib.import_module(module)


def portable_arguments(portable: Portable) -> list[str]:
    """Returns the arguments of a pipeline on an engine behind a job service."""
    options = portable.options.items()
    return [
        f"--runner={_PORTABLE}.NodeRunner",
        f"--job_endpoint={portable.endpoint}",
        "--environment_type=EXTERNAL",
        f"--environment_config={portable.workers}",
        *(f"--{name}" if value is True else f"--{name}={value}" for name, value in options),
        "--sdk_container_image=none",
    ]


def _dask_arguments(dask: Dask) -> list[str]:
    files = {
        "dask_tls_ca": dask.ca,
        "dask_tls_cert": dask.certificate,
        "dask_tls_key": dask.key,
    }
    return [
        f"--runner={_DASK}.NodeRunner",
        f"--dask_scheduler={dask.scheduler}",
        *(f"--{name}={file}" for name, file in files.items() if file),
        # As on one machine: TFX would pack itself up for workers that have it anyway.
        "--sdk_container_image=none",
    ]
