"""What is removed: what a killed execution has written, workers after a failure, sinks halfway."""

from pathlib import Path

from beltline.runners.metadata.leftovers import remove_temporary, sweep, sweep_store
from beltline.runners.metadata.reconcile import reconcile
from beltline.runners.metadata.store import REFUSED, Lineage
from beltline.storage import objects
from beltline.storage.url import parse
from tests.memory_store import Memory
from tests.runners.projects import Ledger, paths


def test_what_the_killed_have_written_is_removed(tmp_path: Path) -> None:
    """Not what others have, nor checkpoints, which are of no execution."""
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    good = ledger.node("run", "Trainer")
    working = "__stateful_working_dir_index__"
    bad = ledger.node("run", "Trainer", state="RUNNING", **{working: "7-7"})
    # It was killed when all was done but its end.
    outputs = {"model": ("Model", {"uri": "/model"})}
    published = ledger.node("run", "Trainer", state="RUNNING", outputs=outputs)
    node = where.artifacts / "Trainer"
    kept = [f"model/{good}", f".system/executor_execution/{good}", "checkpoints/5"]
    kept.append(f"model/{published}")
    gone = [f"model/{bad}", f".system/executor_execution/{bad}", ".system/stateful_working_dir/7-7"]
    for each in kept + gone:
        (node / each / ".temp").mkdir(parents=True)
    assert reconcile(where, "line", "run", "power cut") == ["Trainer"] * 2
    assert [(node / each).exists() for each in kept + gone] == [True] * 4 + [False] * 3


def test_what_workers_have_written_after_a_failure_is_removed(tmp_path: Path) -> None:
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    node = where.artifacts / "Transform"
    states = ("COMPLETE", "FAILED", "RUNNING", "CANCELED")
    made = {state: ledger.node("run", "Transform", state=state) for state in states}
    other = ledger.node("run", "Evaluator", state="FAILED")
    kept = {"graph": ("TransformGraph", {"uri": "/graph"})}
    published = ledger.node("run", "Transform", state="FAILED", outputs=kept)
    refused = ledger.node("run", "Transform", state="FAILED", **{REFUSED: "yes"})
    every = (*made.values(), other, published, refused, "notes")
    folders = [node / "graph" / str(each) for each in every]
    for folder in folders:
        (folder / ".temp").mkdir(parents=True)
    sweep(Lineage(where.metadata, "line"), where, "Transform")
    assert [folder for folder in folders if not folder.exists()] == [
        node / "graph" / str(made["FAILED"])
    ]
    sweep(Lineage(where.metadata, "line"), where, "NoSuchNode")


def test_folders_that_sinks_have_left_are_removed(tmp_path: Path) -> None:
    where = paths(tmp_path)
    node = where.artifacts / "Evaluator"
    gone, kept = node / "evaluation" / "7", node / "evaluation" / "8"
    for folder in (gone, gone / "Split-eval", kept):
        (folder / "beam-temp-metrics-1f").mkdir(parents=True)
        (folder / "metrics.tfrecord").touch()
    remove_temporary(where, "Evaluator", 7)
    left = {str(path.relative_to(node)) for path in node.rglob("*temp*")}
    assert left == {"evaluation/8/beam-temp-metrics-1f"}
    assert len(list(node.rglob("metrics.tfrecord"))) == 3


def test_what_failed_executions_have_uploaded_is_removed(memory: Memory, tmp_path: Path) -> None:
    where = paths(tmp_path)
    ledger = Ledger(where.metadata)
    ledger.run("run")
    store = parse("s3://bucket/prefix/1f2e3d4c")
    states = ("COMPLETE", "FAILED", "RUNNING", "CANCELED")
    made = {state: ledger.node("run", "Trainer", state=state) for state in states}
    other = ledger.node("run", "Evaluator", state="FAILED")
    every = {store / "Trainer" / "model" / str(each) for each in (*made.values(), other, "notes")}
    every.add(store / "Trainer" / "model_run" / str(made["FAILED"]))
    for each in every:
        objects.write(each / "a" / "file", b"")
    sweep_store(Lineage(where.metadata, "line"), store, "Trainer")
    left = {each for each in every if (each / "a" / "file").path in map(_bare, memory.store)}
    assert {each.name for each in every - left} == {str(made["FAILED"])}
    assert len(every - left) == 2
    sweep_store(Lineage(where.metadata, "line"), store, "NoSuchNode")


def _bare(path: str) -> str:
    return path.lstrip("/")
