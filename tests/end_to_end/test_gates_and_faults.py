"""Bad data, worse models and hard stops: the right exit code, the reason, and nothing pushed."""

import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.beltline_process import Beltline
from tests.end_to_end.projects import QUICK, Project, casting, states

pytestmark = pytest.mark.slow

CLONE_NEWNS = 0x00020000
TO_THE_GATE = (*QUICK, "--to", "DataGate")


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("gates"), rows=2000)
    assert project("run", *QUICK).code == 0
    return project


@pytest.fixture
def table(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.folder / "casting.csv")


def bad(project: Project, table: pd.DataFrame, name: str) -> tuple[str, str]:
    """Settings that point at this table."""
    table.to_csv(project.folder / f"{name}.csv", index=False)
    return ("--set", f"data.path={name}.csv")


def executions(project: Project) -> dict[str, int]:
    """How many executions are in which state."""
    with sqlite3.connect(project.root / "metadata.sqlite") as database:
        rows = database.execute("SELECT last_known_state, COUNT(*) FROM Execution GROUP BY 1")
        names = {1: "new", 2: "running", 3: "complete", 4: "failed", 5: "cached"}
        return {names.get(state, str(state)): count for state, count in rows}


def add_column(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(operator="A")


def drop_column(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="vibration")


def wrong_type(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(die_temperature="hot")


def too_many_missing(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(vibration=table["vibration"].where(table.index % 2 == 0))


def new_categories(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(mold=table["mold"].where(table.index % 3 > 0, "M99"))


def infinite(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(vibration=table["vibration"].where(table.index % 9 > 0, float("inf")))


def one_class(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(scrap="ok")


def label_missing(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(scrap=table["scrap"].where(table.index % 50 > 0))


@pytest.mark.parametrize(
    ("spoil", "column"),
    [
        (add_column, "operator"),
        pytest.param(drop_column, "vibration", marks=pytest.mark.long),
        (wrong_type, "die_temperature"),
        pytest.param(too_many_missing, "vibration", marks=pytest.mark.long),
        (new_categories, "mold"),
        pytest.param(infinite, "vibration", marks=pytest.mark.long),
        pytest.param(one_class, "scrap", marks=pytest.mark.long),
        (label_missing, "scrap"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_data_gate_stops_the_run(
    project: Project,
    table: pd.DataFrame,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    column: str,
) -> None:
    result = project("run", *QUICK, *bad(project, spoil(table), spoil.__name__))
    assert result.code == 3, result.text
    assert "DataGate refused; nothing was pushed, version 1 stays" in result.err
    assert f"'{column}'" in result.err
    assert states(result)["DataGate"] == "refused" and "Trainer" not in states(result)
    assert project.versions() == ["1"]


def test_a_missing_label_can_be_left_out(project: Project, table: pd.DataFrame) -> None:
    settings = bad(project, label_missing(table), "unlabelled")
    result = project("run", *TO_THE_GATE, *settings, "--set", "data.unlabelled=drop")
    assert result.code == 0, result.text
    assert "dropped 40" in result.out


def test_a_worse_model_is_refused(project: Project) -> None:
    result = project("run", *QUICK, "--set", "evaluation.champion.margin=0.9")
    assert result.code == 3, result.text
    assert "against the champion's" in result.err and "version 1 stays" in result.err
    assert states(result)["ServingCheck"] == "cached" and states(result)["Pusher"] == "skipped"
    assert project.versions() == ["1"]


def test_a_ragged_row_names_its_line(project: Project) -> None:
    lines = (project.folder / "casting.csv").read_text().splitlines()
    lines[700] += ",surplus"
    (project.folder / "ragged.csv").write_text("\n".join(lines) + "\n")
    result = project("run", *TO_THE_GATE, "--set", "data.path=ragged.csv")
    assert result.code == 1, result.text
    assert "ExampleGen failed" in result.err and "ragged.csv" in result.err
    assert "701" in result.err and "ExampleGen.log" in result.err
    assert not list(project.root.glob("artifacts/ExampleGen/examples/*/Split-train/.*"))
    rejecting = ("--set", "data.path=ragged.csv", "--set", "data.unreadable=reject")
    result = project("run", *TO_THE_GATE, *rejecting)
    assert result.code == 0, result.text
    assert "rejected 1" in result.out
    log = project("logs", "latest", "ExampleGen")
    assert "1 row can't be read and is left out; see " in log.out


def test_a_column_that_changes_type_between_files(project: Project, table: pd.DataFrame) -> None:
    folder = project.folder / "parts"
    folder.mkdir()
    table[:1000].to_csv(folder / "a.csv", index=False)
    table[1000:].assign(die_temperature="warm").to_csv(folder / "b.csv", index=False)
    result = project("run", *TO_THE_GATE, "--set", "data.path=parts")
    assert result.code == 3, result.text
    assert "'die_temperature'" in result.err
    log = project("logs", "latest", "ExampleGen")
    assert "b.csv" in log.out and "warm" in log.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"a,b,b\n1,2,3\n", "'b'"),
        (b"a,scr\xe4p\n1,2\n", "UTF-8"),
        (b"temp,scrapped\n1,ok\n", "did you mean 'scrapped'"),
    ],
)
def test_a_bad_header_is_said_beforehand(project: Project, content: bytes, said: str) -> None:
    (project.folder / "bad.csv").write_bytes(content)
    result = project("run", *QUICK, "--set", "data.path=bad.csv")
    assert result.code == 2, result.text
    assert said in result.err and "bad.csv" in result.err and "Traceback" not in result.err


def test_no_such_data_and_header_only(project: Project) -> None:
    gone = project("run", "--set", "data.path=gone.csv")
    assert gone.code == 2 and "gone.csv" in gone.err
    header = (project.folder / "casting.csv").read_text().splitlines()[0]
    (project.folder / "header.csv").write_text(header + "\n")
    result = project("run", *TO_THE_GATE, "--set", "data.path=header.csv")
    assert result.code in (1, 2), result.text
    assert "header.csv" in result.err and "no rows" in result.err


def wait_for(project: Project, node: str, seconds: float = 120) -> None:
    """Waits until a node of the newest run has begun."""
    end = time.monotonic() + seconds
    before = set(project.root.glob(f"logs/*/{node}.log"))
    while time.monotonic() < end:
        if set(project.root.glob(f"logs/*/{node}.log")) - before:
            return
        time.sleep(0.05)
    raise AssertionError(f"{node} did not begin")


def test_ctrl_c_in_the_middle_and_a_second_run_meanwhile(project: Project) -> None:
    call = project.start("run", *QUICK, "--set", "training.seed=11", "--force", "Transform")
    wait_for(project, "Transform")
    second = project("run", *QUICK)
    assert second.code == 2 and "a run is in progress" in second.err, second.text
    os.kill(call.process.pid or 0, signal.SIGINT)
    result = call.wait(60)
    assert result.code == 130, result.text
    assert "stopped by SIGINT" in result.err and "Traceback" not in result.err
    assert "running" not in executions(project)
    assert project.versions() == ["1"]
    assert project("run", *TO_THE_GATE).code == 0


def test_kill_9_leaves_nothing_running(project: Project) -> None:
    call = project.start("run", *QUICK, "--set", "training.seed=12", "--force", "Transform")
    wait_for(project, "Transform")
    os.kill(call.process.pid or 0, signal.SIGKILL)
    call.process.join(30)
    deadline = time.monotonic() + 60
    while (again := project("run", *TO_THE_GATE)).code == 2 and time.monotonic() < deadline:
        time.sleep(1)
    assert again.code == 0, again.text
    assert "running" not in executions(project)
    assert json.loads(project("runs", "--json").out)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk it fills")
def test_a_full_disk_while_pushing(project: Project) -> None:
    """The metadata's own disk isn't full: a smaller limit would stop at the database already."""
    env = {"BELTLINE_ROOT": str(project.root)}
    full = Project(project.beltline, project.folder, env)
    result = full(
        "run", *QUICK, "--set", "push.directory=elsewhere", wrap=f"{__name__}:no_room_to_push"
    )
    assert result.code == 1, result.text
    assert "Pusher failed" in result.err and "No space left" in result.err, result.text
    assert not [path for path in project.root.glob("elsewhere/*/*") if path.is_dir()]
    assert project.versions() == ["1"]


def no_room_to_push() -> None:
    """Puts a full disk, as small as they come, where the push goes."""
    root = Path(os.environ["BELTLINE_ROOT"]) / "elsewhere"
    root.mkdir(parents=True, exist_ok=True)
    # A mount of this process's own, gone with it.
    assert ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(root)], check=True)
