"""The section `beam` as a node's Beam arguments; they replace the bundle's at launch."""

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam, Dask, Portable, Runner
from beltline.base.settings.dataflow import Dataflow

# The modules of the runners.
_DASK = "beltline.runners.beam.dask"
_PORTABLE = "beltline.runners.beam.portable"
_DATAFLOW = "beltline.runners.beam.dataflow"
_MODULES = {"dask": _DASK, "portable": _PORTABLE, "dataflow": _DATAFLOW}
# What they need, and the extra that has it.
_NEEDED = {"dask": ("distributed", "Dask"), "dataflow": ("google.cloud.dataflow", "Dataflow")}
_READABLE = "gs://"
_EXTRAS = {"dask": "beltline[dask]", "dataflow": "apache-beam[gcp]"}


def arguments(beam: Beam, node: str, code: Path, root: str) -> list[str] | None:
    """Returns a node's Beam arguments; None for those of the bundle.

    Args:
      beam: the section.
      node: the node's id.
      code: the bundle's model code.
      root: where the nodes' outputs are.

    Raises:
      WrongInput: what the runner needs is not installed, or its workers can't read the root.
    """
    runner = beam.runner_of(node)
    if runner == "direct":
        return None
    check_installed(runner)
    check_places(beam, root, {node: "a disk"} if node == "BulkInferrer" else {})
    if runner == "dataflow":
        # They are no workers of ours that could be sent it: Dataflow stages it for them.
        own = [*dataflow_arguments(beam.dataflow), f"--files_to_stage={code}"]
    elif runner == "portable":
        own = portable_arguments(beam.portable)
    else:
        own = _dask_arguments(beam.dask)
    return [*own, f"--beltline_code={code}"]


def check_installed(runner: Runner) -> None:
    """Checks that what a runner needs is installed.

    Raises:
      WrongInput: it is not.
    """
    module, name = _NEEDED.get(runner, ("", ""))
    if module and not _is_installed(module):
        raise WrongInput(
            f"beam.runner: '{runner}' requires {name}: install the locked requirements, or "
            f"{_EXTRAS[runner]}"
        )


def check_places(beam: Beam, root: str, places: Mapping[str, str]) -> None:
    """Checks that Dataflow's workers reach all that the nodes which are sent there read and write.

    Args:
      beam: the section.
      root: where the nodes' outputs are.
      places: by the node, where else it reads or writes.

    Raises:
      WrongInput: it is on this machine.
    """
    if "dataflow" in beam.runners() and not root.startswith(_READABLE):
        raise WrongInput(
            f"beam.runner: Dataflow's workers can't reach the root {root}: they need one at gs://; "
            "for a folder, use dask or portable (docs/scale.md)"
        )
    for node, place in places.items():
        if beam.runner_of(node) == "dataflow" and not place.startswith(_READABLE):
            raise WrongInput(
                f"beam.runner: Dataflow's workers can't reach {place}, which {node} needs: use "
                f"gs://, or set beam.nodes.{node} to direct"
            )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # A package above it is not.
        return False


def know_options(beam: Beam, node: str) -> None:
    """Imports what declares the options of a node's runner; that must be before Beam parses any.

    Raises:
      WrongInput: what the runner needs is not installed.
    """
    runner = beam.runner_of(node)
    check_installed(runner)
    if module := _MODULES.get(runner):
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


def dataflow_arguments(dataflow: Dataflow) -> list[str]:
    """Returns the arguments of a pipeline on Google's Dataflow."""
    values = {
        "project": dataflow.project,
        "region": dataflow.region,
        "temp_location": dataflow.temp_location,
        "sdk_container_image": dataflow.image,
        "machine_type": dataflow.machine_type,
        "num_workers": dataflow.workers,
        "max_num_workers": dataflow.max_workers,
        "disk_size_gb": dataflow.disk_gb,
        "service_account_email": dataflow.service_account,
        "network": dataflow.network,
        "subnetwork": dataflow.subnetwork,
        "dataflow_kms_key": dataflow.kms_key,
    }
    return [
        f"--runner={_DATAFLOW}.DataflowRunner",
        *(f"--{name}={value}" for name, value in values.items() if value is not None),
        *([] if dataflow.public_addresses else ["--no_use_public_ips"]),
        # The image has Beam: nothing is to be downloaded.
        "--sdk_location=container",
        # The node's `__main__` is our runner, which no worker needs.
        "--no_save_main_session",
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
