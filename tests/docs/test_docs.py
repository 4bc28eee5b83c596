"""The documentation holds: its commands run, its links lead somewhere, its lists are complete."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pyarrow.csv
import pytest
import yaml

from beltline.base.database_url import DATABASE
from beltline.data.casting import generate
from beltline.pipeline.settings.page import sections
from beltline.pipeline.settings.settings import Settings
from beltline.runners import paths
from beltline.runners.airflow.api import AIRFLOW
from beltline.runners.cli.main import COMMANDS, cli
from beltline.runners.kubeflow.server.api import KUBEFLOW, TOKEN
from beltline.runners.local.record import records
from beltline.runners.warm.address import IDLE
from beltline.serving.server import TOKEN as SERVE_TOKEN
from beltline.storage.cache import FOLDER, MEGABYTES
from beltline.versions.push import hold
from tests.docs.conftest import REFUSED
from tests.docs.pages import PAGES, ROOT, Block, blocks
from tests.docs.samples import shown as sample_of
from tests.docs.samples import unlike
from tests.end_to_end.projects import Project

LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "data/README.md"]
MAKEFILE = (ROOT / "Makefile").read_text()

# Commands that are shown and not run here, each with the reason.
NOT_RUN = {
    "make run": "makes an environment; its `beltline run` is tests/end_to_end/test_casting_runs.py",
    "make test": "is what calls this test",
    "make image": "is what tests/deploy/test_image.py builds and asks",
    "make bench": "takes an hour; what it calls is tests/benchmarks/test_speed.py",
    "make mutants": "breaks each line of some modules; the tests that it runs are run here",
    "make airflow": "starts Airflow until Ctrl-C; what it calls is tests/airflow/test_start.py",
    "make setup": "is the first step of `make check`, with which CI begins",
    "make check": "CI calls it before the tests (.ci/run)",
}
# Commands that are shown because they don't end in 0.
EXIT_CODES = {REFUSED: 3}

NEEDED = {
    "name": "parts",
    "data": {"path": "parts.csv"},
    "schema": "parts.pbtxt",
    "label": {"column": "scrap", "task": "binary", "positive": "scrap"},
}


def shown(*starts: str) -> list[str]:
    """Every command of the shell blocks that begins with one of these words, each once."""
    every = [command for block in blocks("sh", "console") for command in block.commands()]
    return [each for each in dict.fromkeys(every) if f"{each} ".startswith(_with_space(starts))]


def _with_space(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{word} " for word in words)


def in_turn(commands: list[str]) -> list[str]:
    """What looks at a run first, then what builds on the latest one, then what makes others."""
    last = [command for command in commands if command.split(" ")[1] in ("run", "rollback")]
    # There must be a version to go back to.
    last.sort(key=lambda each: ("rollback" in each, "--from" not in each, each in EXIT_CODES))
    return [command for command in commands if command not in last] + last


# What goes with a running server.
SERVED = shown("curl", "beltline monitor")
SERVE = "beltline serve"
# What starts a cluster, and what goes with one that runs.
CLUSTER = "beltline cluster up --workers 2"
CLUSTERED = [each for each in shown("beltline") if "beam.runner=dask" in each]
# Started, and asked for its pages, by tests/runners/cli/commands/test_notebook.py.
NOTEBOOK = "beltline notebook"
# And this one by test_ui.py beside it.
UI = "beltline ui"
ELSEWHERE = [SERVE, CLUSTER, NOTEBOOK, UI, *SERVED, *CLUSTERED]
RUN = in_turn([each for each in shown("beltline", "python") if each not in ELSEWHERE])


def in_python(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "BELTLINE" not in name}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def waits(project: Project, folder: Path, number: int) -> None:
    """Holds a model that answers as the first version does, under this number."""
    [served] = (project.root / "served").iterdir()
    shutil.copytree(served / "1", folder)
    (folder / "assets" / "other").write_text("It is another model by its files.")
    (served / ".last-version").write_text(str(number - 1))
    assert hold(folder, served, {"run": records(project.root)[0].run}).number == number


@pytest.mark.slow
@pytest.mark.parametrize("command", RUN)
def test_a_command_that_is_shown_runs(project: Project, tmp_path: Path, command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "python":
        done = in_python(project, *arguments)
        assert done.returncode == 0, done.stderr
        return
    if arguments[0] == "init":
        # Where nothing has been written yet, as for somebody who begins.
        shutil.copy(project.folder / "parts.csv", tmp_path)
        project = Project(project.beltline, tmp_path)
    elif "later.csv" in command:
        pyarrow.csv.write_csv(generate(2000, 8, later=True), project.folder / "later.csv")
    elif arguments[0] == "approve":
        waits(project, tmp_path / "other", int(arguments[1]))
    result = project(*arguments)
    assert result.code == EXIT_CODES.get(command, 0), result.text
    assert result.out


def _until(words: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if words in line:
            return
    raise AssertionError(f"{words!r} was never printed")


@pytest.mark.slow
def test_the_server_answers_as_shown(project: Project) -> None:
    """The page's own commands, at the page's own port, and what looks at the requests after."""
    words = [sys.executable, "-m", "beltline.runners.cli", "serve", "--grpc-port", "8500"]
    environment = {name: value for name, value in os.environ.items() if "BELTLINE" not in name}
    server = subprocess.Popen(
        words, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        lines = list(_until("now serving version", server.stdout))
        assert unlike(sample_of(SERVE), "".join(lines)) == []
        asking = [block.text for block in blocks("sh") if "curl" in block.text]
        answers = [
            subprocess.run(["sh", "-ec", each], capture_output=True, text=True, timeout=60)
            for each in asking
        ]
        assert all(answer.returncode == 0 and answer.stdout for answer in answers)
        [predicted] = [
            json.loads(answer.stdout)
            for question, answer in zip(asking, answers, strict=True)
            if ":predict" in question
        ]
        assert unlike(sample_of("curl"), json.dumps(predicted, separators=(",", ":"))) == []
        [calling] = [block.text for block in blocks("python") if "grpc" in block.text]
        called = in_python(project, "-c", calling)
        assert called.returncode == 0, called.stderr
        [row] = predicted["predictions"]
        answer, probability = called.stdout.split()
        assert (answer, float(probability)) == (row["class"], pytest.approx(row["probability"]))
        # Whatever was asked before the sampler was loaded left nothing.
        end = time.monotonic() + 60
        while not list(project.root.glob("requests/parts/*/data_tfrecord-*")):
            assert time.monotonic() < end, "no request was sampled"
            subprocess.run(["sh", "-ec", asking[0]], capture_output=True, timeout=60)
            time.sleep(1)
    finally:
        server.terminate()
        assert server.wait(60) == 0
    for command in (each for each in SERVED if each.startswith("beltline")):
        result = project(*shlex.split(command)[1:])
        assert result.code == 0, result.text


@pytest.mark.slow
def test_a_cluster_takes_the_commands_that_are_shown(project: Project) -> None:
    words = [sys.executable, "-m", "beltline.runners.cli", *shlex.split(CLUSTER)[1:]]
    cluster = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert cluster.stdout
        assert list(_until("beltline run --set beam.runner=dask", cluster.stdout))
        for command in CLUSTERED:
            result = project(*shlex.split(command)[1:])
            assert result.code == 0, result.text
        assert len(CLUSTERED) == 2
    finally:
        cluster.terminate()
        assert cluster.wait(60) == 0


@pytest.mark.slow
def test_the_exported_model_answers_as_shown(project: Project) -> None:
    [asking] = [block.text for block in blocks("python") if "saved_model.load" in block.text]
    done = in_python(project, "-c", asking)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.strip("[]\n ")) < 1


@pytest.mark.slow
def test_the_python_api_answers_as_shown(project: Project) -> None:
    """Last of those that run something: what builds on the latest run would find this one."""
    shown = [block.text for block in blocks("python") if block.text.startswith("import beltline\n")]
    assert len(shown) == 2
    done = in_python(project, "-c", "\n".join(shown))
    assert done.returncode == 0, done.stderr
    assert "die_temperature" in done.stdout
    # Commands of other pages may have pushed more.
    assert re.search(r"<Version \d+, live", done.stdout), done.stdout
    assert re.search(r"<Node StatisticsGen (done|cached)", done.stdout), done.stdout


def test_every_make_command_that_is_shown_has_its_reason_not_to_be_run() -> None:
    assert set(shown("make")) == set(NOT_RUN)


def test_every_expectation_is_of_a_command_that_is_shown() -> None:
    assert set(EXIT_CODES) <= set(RUN)


def test_every_target_that_is_named_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)`", page.read_text()))
        assert named <= targets, page.name
    listed = re.findall(r"^\| `make ([a-z-]+)` \|", text("docs/commands.md"), re.MULTILINE)
    assert sorted(listed) == sorted(targets)


def test_every_command_is_described_with_all_its_options() -> None:
    page = text("docs/commands.md")
    for name in COMMANDS:
        body = section(page, f"`beltline {name}`")
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        for option in (each for each in command.params if isinstance(each, click.Option)):
            common = section(page, "Options of every command but `init`")
            assert option.opts[-1] in body + common, f"{name} {option.opts}"


def test_every_environment_variable_is_described() -> None:
    body = section(text("docs/commands.md"), "Environment")
    places = (paths.METADATA, paths.ROOT, paths.DATA, paths.BEAM, DATABASE)
    named = (*places, paths.TRACKING, paths.WEBHOOK)
    for name in (*named, AIRFLOW, KUBEFLOW, TOKEN, IDLE, SERVE_TOKEN, FOLDER, MEGABYTES):
        assert f"| `{name}` |" in body


def test_every_setting_is_in_the_settings() -> None:
    page = text("docs/settings.md")
    for key, model, _ in sections():
        body = section(page, f"`{key}`" if key else "Top level")
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in body, f"{key}.{name}"


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.page.name)
def test_settings_that_are_shown_are_settings(block: Block) -> None:
    Settings.model_validate(NEEDED | yaml.safe_load(block.text))


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_no_page_names_a_machine(page: Path) -> None:
    found = re.search(r"(/work|/tmp|/home|/root)/|pypi\.org", page.read_text())
    assert not found, found


def text(page: str) -> str:
    return (ROOT / page).read_text()


def section(page: str, heading: str) -> str:
    """The text below a heading of the second level."""
    assert f"\n## {heading}\n" in page, heading
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def anchors(page: str) -> set[str]:
    """What links to a heading say: lower case, spaces to dashes, other marks left out."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_each_promise_of_the_security_page_names_a_test_that_is_there():
    rows = re.findall(
        r"^\| (?!promise|---)(.+) \| (.+) \|$", text("docs/security.md"), re.MULTILINE
    )
    assert len(rows) > 15
    for promise, named in rows:
        files = re.findall(r"`(tests/[\w/]+\.py)`", named)
        assert files, promise
        assert all((ROOT / file).is_file() for file in files), files
