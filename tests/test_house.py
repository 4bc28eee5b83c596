"""The house rules that a test can hold: each source file has its test file, and none is long."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *("api", "base", "beam_on_dask", "bundle", "data", "models"),
    *("notebooks", "pipeline", "runners", "serving", "storage", "versions"),
)
MOST_LINES = 300

LONGER: dict[str, str] = {}
"""Source files with more lines, and why."""

# Below each test file, the sources without a test file of their own that its tests exercise.
TESTED_THROUGH = {
    "tests/beam_on_dask/test_runner.py": (
        "beam_on_dask/bundle.py",
        "beam_on_dask/coders.py",
        "beam_on_dask/graph.py",
        "beam_on_dask/options.py",
        "beam_on_dask/plan.py",
        "beam_on_dask/side_inputs.py",
    ),
    "tests/bundle/test_folder.py": ("base/errors.py",),
    "tests/end_to_end/test_dask.py": ("runners/cli/commands/cluster.py",),
    "tests/end_to_end/test_casting_runs.py": (
        "api/predictions.py",
        "pipeline/components/trainer.py",
        "pipeline/nodes.py",
        "pipeline/parameters.py",
        "runners/cli/quiet.py",
    ),
    "tests/models/test_blend.py": ("models/learned.py",),
    "tests/models/test_training.py": (
        "models/job.py",
        "models/labels.py",
        "models/preprocessing.py",
        "models/progress.py",
        "models/tables.py",
    ),
    "tests/models/trees/test_growth.py": ("models/trees/member.py",),
    "tests/models/shared/test_network.py": (
        "models/shared/processes.py",
        "models/shared/share.py",
        "models/shared/worker.py",
    ),
    "tests/models/trees/shared/test_shards.py": ("models/trees/shared/shard.py",),
    "tests/models/trees/shared/test_member.py": ("models/trees/shared/part.py",),
    "tests/runners/training/test_host.py": ("runners/training/child.py",),
    "tests/pipeline/components/test_data_gate.py": ("pipeline/components/curated_schema.py",),
    "tests/pipeline/components/test_digest_of_sources.py": ("pipeline/components/__init__.py",),
    "tests/pipeline/components/test_evaluator.py": ("pipeline/components/slices.py",),
    "tests/pipeline/components/test_example_gen.py": (
        "pipeline/components/examples/executor.py",
        "pipeline/tables/rejects.py",
        "pipeline/components/examples/config.py",
        "pipeline/components/examples/shards.py",
    ),
    "tests/pipeline/components/test_pusher.py": ("pipeline/paths.py",),
    "tests/pipeline/components/test_same_as_stock.py": (
        "pipeline/components/statistics_gen.py",
        "pipeline/components/transform.py",
    ),
    "tests/pipeline/components/test_serving_check.py": ("pipeline/components/serving_probe.py",),
    "tests/pipeline/components/test_tuner.py": ("models/tuning.py",),
    "tests/pipeline/evaluation/test_metrics.py": ("pipeline/evaluation/counting.py",),
    "tests/pipeline/init/test_draft.py": ("pipeline/init/label.py",),
    "tests/pipeline/settings/test_settings.py": (
        "base/settings/monitoring.py",
        "base/settings/pods.py",
        "base/settings/section.py",
        "base/settings/airflow.py",
        "pipeline/settings/data.py",
        "pipeline/settings/evaluation.py",
        "pipeline/settings/local.py",
        "pipeline/settings/push.py",
        "pipeline/settings/rows.py",
        "pipeline/settings/training.py",
    ),
    "tests/pipeline/tables/test_csv_ranges.py": ("pipeline/tables/csv_records.py",),
    "tests/pipeline/tables/test_databases.py": (
        "pipeline/tables/databases/columns.py",
        "pipeline/tables/databases/connection.py",
        "pipeline/tables/databases/mysql.py",
        "pipeline/tables/databases/placeholder.py",
        "pipeline/tables/databases/postgresql.py",
        "pipeline/tables/databases/sqlite.py",
    ),
    "tests/pipeline/tables/test_remote_files.py": ("storage/object_path.py",),
    "tests/pipeline/tables/test_parquet_units.py": ("pipeline/tables/units.py",),
    "tests/pipeline/test_definition.py": ("pipeline/engine.py",),
    "tests/pipeline/test_preflight.py": ("pipeline/resolved.py",),
    "tests/pipeline/test_feature_spec.py": ("pipeline/schema.py",),
    "tests/pipeline/test_tables.py": (
        "pipeline/tables/csv_faults.py",
        "pipeline/tables/csv_files.py",
        "pipeline/tables/files.py",
        "pipeline/tables/plain.py",
    ),
    "tests/runners/beam/test_dask.py": ("runners/beam/worker.py",),
    "tests/runners/beam/test_portable.py": (
        "runners/beam/harness.py",
        "runners/beam/options.py",
        "runners/beam/pool.py",
        "runners/beam/trial.py",
        "runners/beam/waiting.py",
    ),
    "tests/runners/test_paths.py": ("base/settings/beam.py",),
    "tests/runners/airflow/dag/test_bash_nodes.py": (
        "runners/airflow/dag/nodes.py",
        "runners/airflow/dag/results.py",
    ),
    "tests/airflow/test_check.py": ("runners/airflow/api.py", "runners/checks/airflow.py"),
    "tests/runners/cli/commands/test_check.py": (
        "runners/checks/local.py",
        "runners/cli/options.py",
    ),
    "tests/runners/cli/commands/test_runs.py": ("runners/choices.py", "runners/history.py"),
    "tests/runners/cli/commands/test_promote.py": (
        "runners/cli/commands/rollback.py",
        "versions/changes.py",
    ),
    "tests/runners/cli/commands/test_report.py": (
        "runners/report/file.py",
        "runners/report/__init__.py",
        "runners/report/content.py",
        "runners/report/learned.py",
    ),
    "tests/runners/cli/commands/test_ui.py": ("runners/ui/server.py",),
    "tests/runners/cli/commands/test_serve.py": ("base/settings/serving.py",),
    "tests/runners/kubeflow/compile/test_package.py": (
        "base/settings/kubeflow.py",
        "runners/kubeflow/compile/components.py",
        "runners/kubeflow/compile/parts.py",
        "runners/kubeflow/compile/pods.py",
    ),
    "tests/runners/kubeflow/server/test_follow.py": ("runners/kubeflow/server/pod_logs.py",),
    "tests/runners/kubeflow/server/test_submission.py": ("runners/kubeflow/server/recurring.py",),
    "tests/runners/local/test_children.py": ("runners/node/parent.py",),
    "tests/runners/metadata/test_origin.py": ("runners/cli/commands/lineage.py",),
    "tests/runners/monitor/test_command.py": ("runners/monitor/__main__.py",),
    "tests/runners/node/test_run.py": ("runners/node/__main__.py",),
    "tests/pipeline/predictions/test_batch.py": (
        "pipeline/predictions/output.py",
        "pipeline/predictions/scoring.py",
    ),
    "tests/runners/tracking/test_command.py": ("runners/tracking/__main__.py",),
    "tests/runners/tracking/test_mlflow.py": (
        "runners/tracking/live.py",
        "runners/tracking/mlflow_server.py",
    ),
    "tests/runners/tracking/test_tell.py": (
        "base/settings/tracking.py",
        "runners/tracking/failures.py",
    ),
    "tests/runners/tracking/test_webhook.py": ("runners/tracking/http.py",),
    "tests/runners/report/test_page.py": ("runners/report/pictures.py",),
    "tests/runners/ui/test_model_pages.py": ("runners/ui/changes.py",),
    "tests/runners/warm/test_warm.py": (
        "runners/warm/__main__.py",
        "runners/warm/client.py",
        "runners/warm/messages.py",
        "runners/warm/worker.py",
    ),
    "tests/serving/monitoring/test_check.py": (
        "serving/monitoring/__init__.py",
        "serving/monitoring/bars.py",
        "serving/monitoring/comparison.py",
        "serving/monitoring/distances.py",
        "serving/monitoring/reference.py",
        "serving/monitoring/report.py",
        "serving/monitoring/samples.py",
        "serving/monitoring/config.py",
    ),
    "tests/serving/grpc/test_predict.py": ("serving/grpc/tensors.py",),
    "tests/serving/rest/test_hostile.py": ("serving/rest/app.py", "serving/rest/responses.py"),
    "tests/serving/rest/test_observer.py": ("serving/current_request.py",),
    "tests/serving/rest/test_predict_inputs.py": (
        "serving/rest/row_keys.py",
        "serving/rest/wrong_names.py",
    ),
    "tests/serving/rest/test_properties.py": ("serving/rest/openapi_parts.py",),
    "tests/serving/rest/test_pages.py": ("serving/rest/metrics.py", "serving/rest/model_info.py"),
    "tests/serving/samples/test_sampler.py": (
        "serving/samples/encoding.py",
        "serving/samples/files.py",
    ),
    "tests/serving/servables/test_batching.py": (
        "serving/servables/batch_run.py",
        "serving/servables/errors.py",
    ),
    "tests/serving/servables/test_served.py": ("serving/servables/loaded_versions.py",),
    "tests/serving/test_server.py": ("serving/options.py",),
    "tests/runners/approval/test_command.py": ("runners/approval/__main__.py",),
    "tests/runners/cli/commands/test_approve.py": (
        "runners/approval/record.py",
        "runners/cli/commands/reject.py",
        "runners/cli/decision.py",
        "runners/metadata/approval.py",
    ),
    "tests/versions/loaded/test_servable.py": (
        "versions/loaded/checks.py",
        "versions/loaded/errors.py",
        "versions/loaded/signature.py",
    ),
    "tests/versions/test_approval.py": ("versions/decisions.py", "versions/index.py"),
    "tests/versions/test_live.py": ("versions/local.py", "versions/tensorflow_serving.py"),
    "tests/versions/test_push.py": ("versions/local_push.py",),
    "tests/versions/test_remote.py": ("versions/store.py",),
}


def sources() -> list[Path]:
    """The source files, relative to the checkout."""
    found = [file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py"))]
    return [file.relative_to(ROOT) for file in found]


def has_code(source: Path) -> bool:
    """Whether there is more than a docstring."""
    body = ast.parse((ROOT / source).read_text(encoding="utf-8")).body
    return any(not isinstance(getattr(node, "value", None), ast.Constant) for node in body)


def place_of_tests(source: Path) -> Path:
    """Where the tests of a source file belong."""
    folder, name = source.parent, source.stem.strip("_")
    if source.name == "__init__.py":
        folder, name = folder.parent, folder.name
    return Path("tests") / folder / f"test_{name}.py"


def exempt() -> Iterator[tuple[str, str]]:
    """Each source that is tested through another test file, with that file."""
    for test, exercised in TESTED_THROUGH.items():
        yield from ((source, test) for source in exercised)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_source_file_has_its_test_file(package):
    known = dict(exempt())
    untested = [
        f"{source}: write {place_of_tests(source)}, or name in {__file__} what exercises it"
        for source in sources()
        if source.parts[0] == package
        and has_code(source)
        and not (ROOT / place_of_tests(source)).exists()
        and str(source) not in known
    ]
    assert not untested, "\n".join(["source files without tests:", *untested])


def test_the_exceptions_are_still_exceptions():
    wrong = []
    for source, test in exempt():
        if not (ROOT / source).exists():
            wrong.append(f"{source}: not found; was it moved? Change its line in {__file__}")
        elif (ROOT / place_of_tests(Path(source))).exists():
            wrong.append(f"{source}: has a test file by now; remove its line in {__file__}")
        if not (ROOT / test).exists():
            wrong.append(f"{test}: not found; name the tests of {source} in {__file__}")
    assert not wrong, "\n".join(wrong)
    assert len(dict(exempt())) == len(list(exempt())), "a source is named twice"


def test_a_source_file_fits_on_a_few_screens():
    lines = {
        str(source): len((ROOT / source).read_text(encoding="utf-8").splitlines())
        for source in sources()
    }
    long = [
        f"{source}: {count} lines, of {MOST_LINES} allowed; split it by its ideas"
        for source, count in lines.items()
        if count > MOST_LINES and source not in LONGER
    ]
    assert not long, "\n".join(long)
    short = [source for source in LONGER if lines.get(source, 0) <= MOST_LINES]
    assert not short, f"no longer long, remove from LONGER: {', '.join(short)}"


def test_what_mutmut_is_told_of_exists():
    """It runs a test that it is to leave out, and mutates nothing, without a word."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [*config["only_mutate"], *config["pytest_add_cli_args_test_selection"]]
    assert [name for name in named if not (ROOT / name).exists()] == []
    left_out = [word for word in config["pytest_add_cli_args"] if "::" in word]
    assert left_out
    for word in left_out:
        file, _, test = word.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), word
