"""The start of a Beam SDK container: `python -m beltline.runners.beam.boot --id=ID …`.

What Beam's own boot program does in its images, for ours: it asks the engine for the job's options
and files, and starts a worker for each id. Unlike Beam's it installs nothing, as the image has all,
and forks workers from a process that has imported TFX in the order in which its pickles load.
"""

import multiprocessing
import signal
import sys
import tempfile
from collections.abc import Iterable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import click
import grpc
from google.protobuf import json_format, text_format

from beltline.beam_on_dask.internals import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    common_urns,
)

_HARNESS = "beltline.runners.beam.harness"
_SECONDS = 60
# Where Beam's harness looks for files, below its folder.
_STAGED = "staged"
_ENDPOINTS = ("logging", "control", "status")


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--id", "worker", required=True, help="The worker's id.")
@click.option("--provision_endpoint", required=True, help="Where the job's options are.")
@click.option("--logging_endpoint", default="", help="If the job's options have none.")
@click.option("--artifact_endpoint", default="", help="If the job's options have none.")
@click.option("--control_endpoint", default="", help="If the job's options have none.")
def main(worker: str, provision_endpoint: str, **endpoints: str) -> None:
    """Start the workers of a Beam SDK container, and end with them."""
    # The first process of a container ignores SIGTERM otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    info = _provisioned(provision_endpoint, worker)
    for name, url in endpoints.items():
        if url and not info.HasField(name):
            getattr(info, name).url = url
    folder = Path(tempfile.mkdtemp(prefix="beltline-container-"))
    _fetch(info, folder / _STAGED, worker)
    variables = _variables(info, folder)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_HARNESS])
    started = [
        context.Process(target=_serve, args=({**variables, "WORKER_ID": each},), daemon=True)
        for each in (worker, *info.sibling_worker_ids)
    ]
    for process in started:
        process.start()
    sys.exit(_first_code(started))


def _serve(variables: dict[str, str]) -> None:
    # Only there: this process needs no TFX.
    from beltline.runners.beam import harness

    harness.serve(variables)


def _first_code(started: Iterable[Any]) -> int:
    """Returns 0 when all have ended well, or the first other exit code; the engine starts anew."""
    running = {process.sentinel: process for process in started}
    while running:
        for sentinel in wait(list(running)):
            process = running.pop(sentinel)
            process.join()
            if process.exitcode:
                return abs(int(process.exitcode))
    return 0


def _provisioned(endpoint: str, worker: str) -> Any:
    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        answer = service.GetProvisionInfo(
            request, metadata=_from(worker), timeout=_SECONDS, wait_for_ready=True
        )
    return answer.info


def _fetch(info: Any, folder: Path, worker: str) -> None:
    """Fetches the job's files."""
    folder.mkdir()
    if not info.dependencies:
        return
    with grpc.insecure_channel(info.artifact_endpoint.url) as channel:
        service = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        asked = beam_artifact_api_pb2.ResolveArtifactsRequest(artifacts=info.dependencies)
        for artifact in service.ResolveArtifacts(asked, metadata=_from(worker)).replacements:
            request = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
            with (folder / _name(artifact)).open("wb") as file:
                for part in service.GetArtifact(request, metadata=_from(worker)):
                    file.write(part.data)


def _name(artifact: Any) -> str:
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload
    if artifact.role_urn != common_urns.artifact_roles.STAGING_TO.urn:
        raise click.ClickException(f"a file with the unknown role {artifact.role_urn} was staged")
    return Path(role.FromString(artifact.role_payload).staged_name).name


def _variables(info: Any, folder: Path) -> dict[str, str]:
    """Returns what Beam's harness reads from its environment."""
    options = folder / "options.json"
    options.write_text(json_format.MessageToJson(info.pipeline_options))
    found = {
        f"{name.upper()}_API_SERVICE_DESCRIPTOR": getattr(info, f"{name}_endpoint")
        for name in _ENDPOINTS
        if info.HasField(f"{name}_endpoint")
    }
    return {
        **{name: text_format.MessageToString(endpoint) for name, endpoint in found.items()},
        "PIPELINE_OPTIONS_FILE": str(options),
        "SEMI_PERSISTENT_DIRECTORY": str(folder),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def _from(worker: str) -> tuple[tuple[str, str]]:
    return (("worker_id", worker),)


if __name__ == "__main__":
    main()
