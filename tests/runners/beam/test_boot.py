"""A Beam SDK container of ours, as Beam starts one: with its provision, artifact and log services.

In the place of Docker is a script that runs the image's entry point here.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beltline.beam_on_dask.internals import beam_runner_api_pb2, common_urns
from beltline.runners.beam import boot

ROOT = Path(__file__).parents[3]
ENTRY = ROOT / "deploy/entrypoint.sh"
DOCKER = """#!/bin/sh
case $1 in
    run)
        while [ "$1" != image ]; do shift; done
        shift
        {entry} "$@" >{log} 2>&1 &
        echo $! ;;
    inspect) echo running ;;
    kill|stop) kill "$2" ;;
    pull) exit 1 ;;
esac
"""


def test_the_entry_point_runs_a_command_too() -> None:
    done = subprocess.run([ENTRY, "echo", "--id=1", "a b"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "--id=1 a b\n")


def test_without_an_engine_it_says_what_it_is_for() -> None:
    words = [sys.executable, "-m", "beltline.runners.beam.boot", "--id=1"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Missing option '--provision_endpoint'" in done.stderr


def test_it_ends_as_the_first_worker_that_fails() -> None:
    context = multiprocessing.get_context("fork")
    ends = [context.Process(target=sys.exit, args=(code,)) for code in (0, 3)]
    for each in ends:
        each.start()
    assert boot._first_code(ends) == 3
    well = context.Process(target=sys.exit, args=(0,))
    well.start()
    assert boot._first_code([well]) == 0


def test_a_staged_file_is_written_to_the_folder_alone() -> None:
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload(staged_name="../../etc/code.zip")
    artifact = beam_runner_api_pb2.ArtifactInformation(
        role_urn=common_urns.artifact_roles.STAGING_TO.urn, role_payload=role.SerializeToString()
    )
    assert boot._name(artifact) == "code.zip"


@pytest.mark.slow
class TestContainer:
    @pytest.fixture(autouse=True)
    def docker(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bin").mkdir()
        script = tmp_path / "bin/docker"
        script.write_text(DOCKER.format(entry=ENTRY, log=tmp_path / "log"))
        script.chmod(0o755)
        beside = Path(sys.executable).parent
        monkeypatch.setenv("PATH", f"{script.parent}:{beside}:{os.environ['PATH']}")

    def run(self, folder: Path, **environment: str) -> None:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        from beltline.bundle import code
        from beltline.runners.beam import worker
        from beltline.runners.beam.options import NodeOptions

        (folder / "code.zip").write_bytes(code.archive({"mine.py": b"WORD = 'bundle'\n"}))
        options = PipelineOptions(
            [
                *("--runner=PortableRunner", "--job_endpoint=embed"),
                *("--environment_type=DOCKER", "--environment_config=image"),
                "--no_save_main_session",
                f"--files_to_stage={folder / 'code.zip'}",
            ]
        )
        ours = options.view_as(NodeOptions)
        # The file itself is of the node's machine.
        ours.beltline_code = "/gone/code.zip"
        ours.beltline_environment = json.dumps({**worker.found(), **environment})

        def answer(file: str) -> None:
            import mine  # type: ignore[import-not-found]

            Path(file).write_text(f"{mine.WORD} {sys.modules['tfx'].__version__}")

        with beam.Pipeline(options=options) as pipeline:
            _ = pipeline | beam.Create([str(folder / "answer")]) | beam.Map(answer)

    def test_a_worker_runs_the_bundle_s_code(self, tmp_path: Path) -> None:
        import tfx

        self.run(tmp_path)
        assert (tmp_path / "answer").read_text() == f"bundle {tfx.__version__}"

    def test_another_environment_fails_the_first_bundle(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="differs in the locked requirements"):
            self.run(tmp_path, lock="0")
        assert not (tmp_path / "answer").exists()
