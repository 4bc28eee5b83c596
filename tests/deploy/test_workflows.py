"""The workflows: actionlint finds no mistake, what they call exists, and the steps do as told.

The files for GitLab and Jenkins that docs/cicd.md shows are held to the same.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from beltline.bundle.environment import VERSION
from beltline.bundle.folder import MANIFEST
from beltline.runners.cli.main import COMMANDS, cli
from tests.docker_engine import cache, locked

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PAGE = (ROOT / "docs/cicd.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
LINTER = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

# What actionlint must find: the file, what stands there, what stands there by mistake, its words.
MISTAKES = {
    "a key": ("test.yml", "timeout-minutes:", "timeout-minuts:", 'unexpected key "timeout-minuts"'),
    "a job": ("test.yml", "needs: check", "needs: chek", 'needs job "chek"'),
    "a variable": ("image.yml", "matrix.suffix", "matrix.sufix", 'property "sufix" is not defined'),
    "an input": ("release.yml", "inputs.no_run", "inputs.norun", 'property "norun" is not defined'),
    "an option": ("release.yml", "if-no-files-found", "if-none", '"if-none"'),
    "injection": (
        *("test.yml", "run: make check", "run: make check ${{ github.head_ref }}"),
        '"github.head_ref" is potentially untrusted',
    ),
}


def workflow(name: str) -> dict[Any, Any]:
    found = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    # To YAML 1.1 the word `on` is a truth.
    return {"on" if key is True else key: value for key, value in found.items()}


def steps(name: str) -> list[dict[str, Any]]:
    # A job that calls a whole workflow has none.
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", ())]


def step(file: str, name: str) -> str:
    [found] = [each["run"] for each in steps(file) if each.get("name") == name]
    return str(found)


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


GITLAB = yaml.safe_load(block("yml"))
JOBS = {name: job for name, job in GITLAB.items() if "script" in job}


def in_jenkins() -> Iterator[str]:
    for long, short in re.findall(
        r"(?:sh |script: )(?:'''(.*?)'''|'([^'\n]+)')", block("groovy"), re.S
    ):
        yield long or short


SCRIPTS = {
    "github": [each["run"] for file in FILES for each in steps(file.name) if "run" in each],
    "gitlab": [
        line for job in JOBS.values() for line in job.get("before_script", []) + job["script"]
    ],
    "jenkins": list(in_jenkins()),
}


def bash(
    script: str, folder: Path, options: str = "-e", **given: str
) -> subprocess.CompletedProcess[str]:
    """Runs a step as GitHub does; with `shell: bash` the options are `-eo pipefail`."""
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **given}
    command = ["bash", "--noprofile", "--norc", *options.split(), "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def actionlint() -> str:
    """The actionlint that is installed, or one that is built once and kept among the caches."""
    program = cache() / LINTER.rpartition("/")[2]
    with locked("actionlint"):
        if not (found := shutil.which("actionlint")) and not program.exists():
            build(program)
    return found or str(program)


def build(program: Path) -> None:
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if not go:
        pytest.skip("actionlint is not installed, and there is no Go to build it with")
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        places = {name: f"{folder}/{name.lower()}" for name in ("GOBIN", "GOPATH", "GOCACHE")}
        # Go's own cache can't be removed otherwise.
        environment = os.environ | places | {"GOFLAGS": "-modcacherw"}
        built = [go, "install", LINTER]
        done = subprocess.run(built, env=environment, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"actionlint can't be built: {done.stderr.splitlines()[-1]}")
        Path(places["GOBIN"], "actionlint").replace(program)


def shellcheck() -> str:
    """The ShellCheck beside this Python, or on the PATH; empty where there is none."""
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return shutil.which("shellcheck", path=places) or ""


def lint(actionlint: str, text: str) -> str:
    command = [actionlint, "-no-color", "-shellcheck", shellcheck(), "-pyflakes", "", "-"]
    # It knows the options of an action by its major version.
    by_version = re.sub(r"@[0-9a-f]{40} # (v\d+)[\d.]*$", r"@\1", text, flags=re.MULTILINE)
    done = subprocess.run(command, input=by_version, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def mistaken(file: str, right: str, wrong: str) -> str:
    text = (ROOT / ".github/workflows" / file).read_text()
    assert right in text
    return text.replace(right, wrong, 1)


@pytest.mark.slow
class TestActionlint:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_it_finds_nothing(self, actionlint: str, file: Path) -> None:
        assert lint(actionlint, file.read_text()) == ""

    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_it_finds_a_mistake(self, actionlint: str, mistake: str) -> None:
        file, right, wrong, said = MISTAKES[mistake]
        assert said in lint(actionlint, mistaken(file, right, wrong))

    def test_it_looks_into_the_scripts(self, actionlint: str) -> None:
        if not shellcheck():
            pytest.skip("ShellCheck is not installed")
        assert "SC2086" in lint(actionlint, mistaken("image.yml", '"$TAG" !=', "$TAG !="))


class TestForm:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_rights_are_few_and_runs_end(self, file: Path) -> None:
        found = workflow(file.name)
        # What a job may do is what its workflow may.
        assert not [job for job in found["jobs"].values() if "permissions" in job]
        written = {name for name, right in found["permissions"].items() if right == "write"}
        signing = {"image.yml": {"packages", "id-token"}, "release.yml": {"id-token"}}
        assert written == signing.get(file.name, set())
        assert found["concurrency"]
        assert all("timeout-minutes" in job or "uses" in job for job in found["jobs"].values())

    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_actions_are_pinned_and_keep_no_token(self, file: Path) -> None:
        for each in (each for each in steps(file.name) if "uses" in each):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each["uses"])
            if each["uses"].startswith("actions/checkout@"):
                assert each["with"]["persist-credentials"] is False

    def test_nothing_is_pasted_into_a_shell(self) -> None:
        assert not [script for script in SCRIPTS["github"] if "${{" in script]

    def test_secrets_reach_only_the_steps_that_need_them(self) -> None:
        for file in FILES:
            with_secrets = [each for each in steps(file.name) if "secrets." in str(each)]
            names = {str(each.get("name")) for each in with_secrets}
            assert names == ({"Check", "Submit"} if file.name == "release.yml" else set())
            assert file.read_text().count("secrets.") == str(with_secrets).count("secrets.")

    def test_only_a_version_s_tag_makes_an_image(self) -> None:
        assert workflow("image.yml")["on"] == {"push": {"tags": ["v*"]}}
        makers = [name for name in FILES if "make image" in name.read_text()]
        assert [file.name for file in makers] == ["image.yml"]

    @pytest.mark.parametrize("file", ["image.yml", "release.yml"])
    def test_nothing_is_released_that_was_not_tested(self, file: str) -> None:
        assert "workflow_call" in workflow("test.yml")["on"]
        jobs = workflow(file)["jobs"]
        assert jobs.pop("test") == {"uses": "./.github/workflows/test.yml"}
        assert [job["needs"] for job in jobs.values()] == ["test"]

    def test_the_page_describes_them(self) -> None:
        text = "".join(file.read_text() for file in FILES)
        for name in {*re.findall(r"\b(?:vars|secrets)\.(\w+)", text)}:
            assert f"| `{name}` |" in PAGE
        for file in FILES:
            assert f"| `{file.name}` |" in PAGE


@pytest.mark.parametrize("system", SCRIPTS)
class TestCalls:
    def scripts(self, system: str) -> str:
        return "\n".join(SCRIPTS[system]).replace("\\\n", " ")

    def test_targets_and_scripts_exist(self, system: str) -> None:
        text = self.scripts(system)
        targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
        called = set(re.findall(r"^\s*make ([a-z-]+)", text, re.MULTILINE))
        assert {"setup", "image"} <= called <= targets
        files = set(re.findall(r"\b(?:ba)?sh ([\w./-]+/[\w./-]+)", text))
        assert files == {".ci/run"}
        assert all((ROOT / file).is_file() for file in files)

    def test_commands_of_beltline_exist(self, system: str) -> None:
        found = re.findall(r"\.venv/bin/beltline (\w+) (\w+)([^|\n]*)", self.scripts(system))
        assert [call[:2] for call in found] == [("check", "kubeflow"), ("submit", "kubeflow")]
        for name, place, rest in found:
            assert name in COMMANDS
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            [choice] = [each.type for each in command.params if each.name == "target"]
            assert isinstance(choice, click.Choice)
            assert place in choice.choices
            known = {option for each in command.params for option in each.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= known


class TestTag:
    def asked(self, tag: str, folder: Path) -> subprocess.CompletedProcess[str]:
        script = step("image.yml", "The tag is the version")
        given = {"TAG": tag, "SUFFIX": "-gpu", "GITHUB_REPOSITORY": "Foundry/Beltline"}
        return bash(script, ROOT, **given, GITHUB_ENV=str(folder / "env"))

    def test_the_version_names_the_image(self, tmp_path: Path) -> None:
        done = self.asked(f"v{VERSION}", tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "env").read_text() == f"IMAGE=ghcr.io/foundry/beltline:{VERSION}-gpu\n"

    @pytest.mark.parametrize("tag", ["v999.0", VERSION, "v", f"v{VERSION}-1", 'v";exit 0;"'])
    def test_another_tag_is_refused(self, tmp_path: Path, tag: str) -> None:
        done = self.asked(tag, tmp_path)
        assert done.returncode == 1
        assert done.stdout == (
            f"::error::the tag is {tag}, but VERSION in bundle/environment.py is {VERSION}\n"
        )
        assert not (tmp_path / "env").exists()

    @pytest.mark.parametrize(("tag", "code"), [(f"v{VERSION}", 0), ("v999.0", 1), (VERSION, 1)])
    def test_gitlab_s_lines_do_the_same(self, tag: str, code: int) -> None:
        lines = "\n".join(JOBS["build-image"]["script"][:2])
        assert bash(lines, ROOT, CI_COMMIT_TAG=tag).returncode == code


ENDS = {
    0: "Submitted",
    2: "Failed with exit code 2",
    3: "A gate refused: nothing was pushed, and what was served stays",
}


class TestSubmission:
    """The step around `beltline submit`; what it calls here ends as told."""

    def submitted(self, folder: Path, code: int, **given: str) -> tuple[int, str, str]:
        program = folder / ".venv/bin/beltline"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nprintf '<%s>' \"$@\"\nexit {code}\n")
        program.chmod(0o755)
        summary = folder / "summary"
        places = {"RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(summary)}
        assert workflow("release.yml")["jobs"]["kubeflow"]["defaults"]["run"]["shell"] == "bash"
        script = step("release.yml", "Submit")
        done = bash(script, folder, "-eo pipefail", **places, **given)
        return done.returncode, done.stdout, summary.read_text()

    @pytest.mark.parametrize("code", ENDS)
    def test_its_end_is_the_step_s_and_in_the_summary(self, tmp_path: Path, code: int) -> None:
        heading = ENDS[code]
        ended, out, summary = self.submitted(tmp_path, code, IMAGE="", NO_RUN="")
        assert ended == code
        assert summary == f"### {heading}\n\n    <submit><kubeflow>"
        assert (f"::error::{heading}" in out) == (code != 0)
        assert heading.removesuffix(" 2") in PAGE

    def test_what_was_typed_stays_one_word(self, tmp_path: Path) -> None:
        image = "a b; touch planted $(touch planted)"
        _, out, _ = self.submitted(tmp_path, 0, IMAGE=image, NO_RUN="--no-run")
        assert out == f"<submit><kubeflow><--set><kubeflow.image={image}><--no-run>"
        assert not (tmp_path / "planted").exists()


class TestFlink:
    """What the night starts; Docker only says so here."""

    def test_it_runs_what_the_component_does(self, tmp_path: Path) -> None:
        for name, text in (("docker", 'printf "<%s>" "$@"; echo'), ("nc", "exit 0")):
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = bash(step("flink.yml", "Flink and the job server"), ROOT, PATH=path)
        assert done.returncode == 0, done.stderr
        said = [line.strip("<>").split("><") for line in done.stdout.splitlines()]
        started = [words[words.index("--name") + 1 :] for words in said]
        assert [words[0] for words in started] == ["jobmanager", "taskmanager", "job-server"]
        flink, _ = started[0][-2:]
        assert re.fullmatch(r"flink:1\.20\.[\w.-]+(@sha256:\w+)?", flink)
        assert started[1][-2] == flink
        assert re.match(r"apache/beam_flink1\.20_job_server:[\d.]+", started[2][-2])

    def test_the_tests_ask_what_was_started(self) -> None:
        from tests.engines import job_server

        [tests] = [each for each in steps("flink.yml") if "tests/engines" in each.get("run", "")]
        [variable] = tests["env"]
        assert f'"{variable}"' in Path(job_server.__file__).read_text()
        assert (ROOT / tests["run"].split()[-1]).is_file()


class TestSigning:
    """What cosign is called with; here it only says so."""

    def test_a_bundle_s_signature_is_beside_it(self, tmp_path: Path) -> None:
        program = tmp_path / "bin/cosign"
        program.parent.mkdir()
        program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
        program.chmod(0o755)
        (tmp_path / "build/kubeflow/a line/bundles/0f").mkdir(parents=True)
        path = f"{program.parent}:{os.environ['PATH']}"
        script = step("release.yml", "Sign the bundle")
        done = bash(script, tmp_path, "-eo pipefail", PATH=path)
        bundle = "build/kubeflow/a line/bundles/0f"
        assert done.stdout == (
            f"<sign-blob><--yes><--bundle><{bundle}.sigstore.json><{bundle}/manifest.json>"
        )
        assert MANIFEST == "manifest.json"

    @pytest.mark.parametrize(
        ("file", "name", "verified"),
        [
            ("image.yml", "Sign", "cosign verify "),
            ("image.yml", "Attest what it is made of", "cosign verify-attestation "),
            ("release.yml", "Sign the bundle", "cosign verify-blob "),
        ],
    )
    def test_the_page_says_how_to_verify_it(self, file: str, name: str, verified: str) -> None:
        page = (ROOT / "docs/security.md").read_text()
        assert "cosign " in step(file, name)
        [shown] = re.findall(rf"^{verified}.*?(?=\n\n|\n```)", page, re.MULTILINE | re.DOTALL)
        assert f"/.github/workflows/{file}@refs/tags/" in shown
        assert "--certificate-oidc-issuer https://token.actions.githubusercontent.com" in shown

    def test_each_image_is_attested_by_the_lock_that_it_is_made_of(self) -> None:
        rows = workflow("image.yml")["jobs"]["image"]["strategy"]["matrix"]["include"]
        script = (ROOT / "deploy/image.sh").read_text()
        locks = dict(re.findall(r"^(\w+)\) lock_file=(\w+)", script, re.MULTILINE))
        assert {row["variant"]: row["lock"] for row in rows} == locks


class TestGitLab:
    def test_stages_and_keys(self) -> None:
        assert {job["stage"] for job in JOBS.values()} == set(GITLAB["stages"])
        for file in JOBS["test"]["cache"]["key"]["files"]:
            assert (ROOT / file).is_file()
        assert JOBS["release"]["allow_failure"] == {"exit_codes": 3}

    def test_it_fits_gitlab_s_schema(self, tmp_path: Path) -> None:
        if not importlib.util.find_spec("check_jsonschema"):
            pytest.skip("check-jsonschema is not installed")
        file = tmp_path / ".gitlab-ci.yml"
        asked = ["-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
        command = [sys.executable, *asked, "--data-transform", "gitlab-ci", file]
        file.write_text(block("yml"))
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        # `image` is a word of GitLab's own, and no job's name.
        file.write_text(block("yml").replace("build-image:", "image:"))
        assert subprocess.run(command, capture_output=True).returncode == 1
