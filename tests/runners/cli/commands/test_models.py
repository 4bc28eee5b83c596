import json

from click.testing import CliRunner

from beltline.runners.cli.commands.models import models
from beltline.versions.push import push
from tests.docs.samples import shown, unlike
from tests.runners.projects import paths


def invoke(folder, *arguments):
    result = CliRunner().invoke(models, ["-f", str(folder / "pipeline.yaml"), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def push_model(folder, run, directory="served", data=None, refit=False, add=push, **metrics):
    first = not list(paths(folder).root.glob(f"{directory}/line/*"))
    model = folder / "models" / run
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_text(run)
    said = {
        "pushed": "2026-01-02T03:04:05+00:00",
        "run": run,
        "blessed": True,
        "first": first,
        "metrics": metrics,
        "champion_metrics": None if first else {"auc": 0.5},
        "digests": {"data": data or f"d{run[1:]}", "code": "c0de"},
        "refit": refit,
    }
    add(model, paths(folder).root / directory / "line", said)


def test_before_the_first_push(folder):
    assert "line: no version has been pushed yet" in invoke(folder)
    assert json.loads(invoke(folder, "--json")) == []
    assert not paths(folder).root.exists()


def test_the_table(folder):
    push_model(folder, "r1", auc=0.87654, rows=3912.0)
    push_model(folder, "r2", auc=1.0, f1=0.25)
    head, first, second = invoke(folder).splitlines()
    assert head.split() == ["version", "pushed", "run", "data", "auc", "f1", "rows", "blessed"]
    told = ["r1", "d1", "0.8765", "-", "3912", "yes", "previous,", "first"]
    assert [*first.split()[:1], *first.split()[3:]] == ["1", *told]
    assert [*second.split()[:1], *second.split()[3:]] == [
        "2",
        "r2",
        "d2",
        "1.0000",
        "0.2500",
        "-",
        "yes",
        "live",
    ]
    assert first.split()[1].startswith("2026-01-0")


def test_the_table_is_the_one_that_is_shown(folder):
    metrics = {"accuracy": 0.96, "auc": 0.9, "calibration": 1.1, "f1": 0.5, "pr_auc": 0.4}
    for number in range(1, 4):
        run = f"2026112{number}-041153-62a{number}"
        push_model(folder, run, data="bf928918", rows=3912.0, **metrics)
    assert unlike(shown("beltline models"), invoke(folder)) == []


def test_the_list(folder):
    push_model(folder, "r1", auc=0.8)
    push_model(folder, "r2", auc=0.9)
    first, second = json.loads(invoke(folder, "--json"))
    assert second == {
        "version": 2,
        "metrics": {"auc": 0.9},
        "champion_metrics": {"auc": 0.5},
        "blessed": True,
        "pushed": True,
        "pushed_at": "2026-01-02T03:04:05+00:00",
        "live": True,
        "waiting": False,
        "decision": None,
        "first": False,
        "refit": False,
        "run": "r2",
        "previous": False,
        "digests": {"data": "d2", "code": "c0de"},
    }
    assert (first["version"], first["live"], first["first"]) == (1, False, True)
    assert first["previous"] is True
    assert first["champion_metrics"] is None


def test_a_version_without_a_card_is_listed(folder):
    version = paths(folder).root / "served" / "line" / "4"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_text("")
    assert invoke(folder).splitlines()[1].split() == ["4", "-", "-", "-", "-", "live"]
    [described] = json.loads(invoke(folder, "--json"))
    assert (described["metrics"], described["live"], described["run"]) == ({}, True, "")


def test_the_settings_say_which_folder(folder):
    push_model(folder, "r1", directory="elsewhere", auc=0.8)
    assert json.loads(invoke(folder, "--json")) == []
    assert len(json.loads(invoke(folder, "--json", "--set", "push.directory=elsewhere"))) == 1
    other = ("--set", "push.directory=elsewhere", "--set", "name=other")
    assert json.loads(invoke(folder, "--json", *other)) == []


def test_a_refit_is_marked(folder):
    push_model(folder, "r1", auc=0.5)
    push_model(folder, "r2", auc=0.5, refit=True)
    _, first, second = invoke(folder).splitlines()
    assert "refit" not in first and second.endswith("live, refit")
    assert [each["refit"] for each in json.loads(invoke(folder, "--json"))] == [False, True]
