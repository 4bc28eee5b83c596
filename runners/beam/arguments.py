"""The section `beam` as arguments of a Beam pipeline; they replace the bundle's at launch."""

from importlib.util import find_spec
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam

_RUNNER = "beltline.runners.beam.dask.NodeRunner"


def arguments(beam: Beam, code: Path) -> list[str] | None:
    """Returns a node's Beam arguments; None for those of the bundle.

    Args:
      beam: the section.
      code: the bundle's model code.

    Raises:
      WrongInput: what the runner needs is not installed.
    """
    if beam.runner == "direct":
        return None
    if find_spec("distributed") is None:
        raise WrongInput(
            "beam.runner: 'dask' requires Dask: install the locked requirements, or beltline[dask]"
        )
    dask = beam.dask
    files = {
        "dask_tls_ca": dask.ca,
        "dask_tls_cert": dask.certificate,
        "dask_tls_key": dask.key,
    }
    return [
        f"--runner={_RUNNER}",
        f"--dask_scheduler={dask.scheduler}",
        *(f"--{name}={file}" for name, file in files.items() if file),
        f"--beltline_code={code}",
        # As on one machine: TFX would pack itself up for workers that have it anyway.
        "--sdk_container_image=none",
    ]
