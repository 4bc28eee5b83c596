"""What is sent: a version, a run with typed parameters, one recurring run."""

import click
import pytest

from beltline.base.errors import WrongInput
from beltline.runners.kubeflow.compile.package import MONITOR_PACKAGE
from beltline.runners.kubeflow.server import submission
from beltline.runners.kubeflow.server.api import ApiError, ApiUnreachable, KubeflowApi
from tests.bundle.bundles import manifest
from tests.kubeflow.packages import bundle, compiled, settings, with_monitoring
from tests.kubeflow.stub import Answer

NAME = "line"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Two packages of the same pipeline, and the manifest of the first one."""
    old, new = (tmp_path_factory.mktemp(name) for name in ("old", "new"))
    return compiled(old), compiled(new, b"other code"), bundle(old).manifest


@pytest.fixture(scope="module")
def monitors(tmp_path_factory):
    """Two packages of the monitoring, and the manifest of both."""
    old, new = (tmp_path_factory.mktemp(name) for name in ("watch", "narrower"))
    with_monitoring(old)
    with_monitoring(new, drift=0.01)
    return old / MONITOR_PACKAGE, new / MONITOR_PACKAGE, bundle(old).manifest


@pytest.fixture
def api(kubeflow):
    return KubeflowApi(kubeflow.url)


@pytest.fixture
def uploaded(api, packages):
    return submission.upload(api, packages[2], packages[0])


@pytest.fixture
def replaced(api, packages):
    return submission.upload(api, packages[2], packages[1])


def test_a_version_is_uploaded_once(kubeflow, api, packages):
    first, second = (submission.upload(api, packages[2], packages[0]) for _ in range(2))
    assert (first.new, second.new) == (True, False)
    assert (first.pipeline, first.version, first.name) == (
        second.pipeline,
        second.version,
        second.name,
    )
    [version] = kubeflow.versions
    assert version["display_name"].startswith(packages[2].digest[:12] + "-")
    assert kubeflow.packages[first.version] == packages[0].read_text()


def test_another_package_is_another_version_of_the_same_pipeline(kubeflow, uploaded, replaced):
    assert replaced.new
    assert replaced.pipeline == uploaded.pipeline
    assert replaced.version != uploaded.version
    assert len(kubeflow.pipelines) == 1


def test_a_run_is_started_with_typed_parameters(kubeflow, api, uploaded):
    given = ["steps=5", "data-path=a b'; rm -rf /.csv"]
    values = submission.run_values(manifest(), given, ["Trainer", "Pusher"])
    run = submission.start(api, uploaded, NAME, settings(service_account="runner"), values)
    [started] = kubeflow.runs
    assert started["run_id"] == run
    assert started["runtime_config"]["parameters"] == {
        "steps": 5,
        "data_path": "a b'; rm -rf /.csv",
        "force": "Trainer,Pusher",
    }
    assert started["display_name"].startswith("line-2")
    assert started["service_account"] == "runner"
    assert started["experiment_id"] == kubeflow.experiments[0]["experiment_id"]


def test_runs_have_names_of_their_own(kubeflow, api, uploaded):
    for _ in range(2):
        submission.start(api, uploaded, NAME, settings(experiment="nightly"), {})
    names = [run["display_name"] for run in kubeflow.runs]
    assert len(set(names)) == 2
    assert [each["display_name"] for each in kubeflow.experiments] == ["nightly"]


def test_the_stub_refuses_what_the_package_does_not_take(kubeflow, api, uploaded):
    for values in ({"steps": "5"}, {"stepz": 5}):
        with pytest.raises(ApiError):
            submission.start(api, uploaded, NAME, settings(), values)
    assert len(kubeflow.violations) == 2
    kubeflow.violations.clear()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("steps=5.5", "--param steps=5.5: must be a whole number, 0 or more"),
        ("stesp=5", "unknown parameter 'stesp'; did you mean 'steps'?"),
        ("span=yesterday", "must be of the form"),
        ("steps", "must be name=value"),
    ],
)
def test_a_wrong_parameter_has_the_node_runners_message(given, message):
    with pytest.raises(click.BadParameter) as error:
        submission.run_values(manifest(), [given], [])
    assert message in error.value.message


def test_nodes_to_force():
    assert submission.run_values(manifest(), [], []) == {}
    assert submission.run_values(manifest(), [], ["Trainer", "all"]) == {"force": "all"}
    with pytest.raises(
        WrongInput, match=r"--force trainer: node not found; did you mean Trainer\?"
    ):
        submission.run_values(manifest(), [], ["trainer"])


def test_a_schedule_is_kept(kubeflow, api, uploaded):
    wanted = settings(schedule="0 2 * * *", max_active_runs=3, service_account="runner")
    assert submission.schedule(api, uploaded, NAME, wanted) == "0 2 * * * (new)"
    assert submission.schedule(api, uploaded, NAME, wanted) == "0 2 * * * (unchanged)"
    [recurring] = kubeflow.recurring
    assert recurring["display_name"] == NAME
    assert recurring["trigger"] == {"cron_schedule": {"cron": "0 0 2 * * *"}}
    assert recurring["max_concurrency"] == "3"
    assert recurring["no_catchup"] is True
    assert recurring["mode"] == "ENABLE"
    assert recurring["service_account"] == "runner"
    assert recurring["pipeline_version_reference"]["pipeline_version_id"] == uploaded.version


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "0 3 * * *"},
        {"max_active_runs": 2},
        {"catchup": True},
        {"experiment": "other"},
        {"service_account": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_schedule_replaces_the_old_one(kubeflow, api, uploaded, change):
    wanted = {"schedule": "0 2 * * *"}
    submission.schedule(api, uploaded, NAME, settings(**wanted))
    [old] = kubeflow.recurring
    changed = settings(**{**wanted, **change})
    assert submission.schedule(api, uploaded, NAME, changed).endswith("(replaced)")
    [new] = kubeflow.recurring
    assert new["recurring_run_id"] != old["recurring_run_id"]
    assert submission.schedule(api, uploaded, NAME, changed).endswith("(unchanged)")


def test_a_new_version_replaces_the_old_schedule_after_the_new_one_is_there(
    kubeflow, api, uploaded, replaced
):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    kubeflow.asked.clear()
    assert submission.schedule(api, replaced, NAME, wanted) == "0 2 * * * (replaced)"
    [recurring] = kubeflow.recurring
    assert recurring["pipeline_version_reference"]["pipeline_version_id"] == replaced.version
    changes = [each for each in kubeflow.asked if "_list_" not in each]
    assert changes == [
        "recurring_run_service_create_recurring_run",
        "recurring_run_service_delete_recurring_run",
    ]


def test_a_paused_schedule_stays_paused(kubeflow, api, uploaded, replaced):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    kubeflow.recurring[0] |= {"status": "DISABLED", "mode": "DISABLE"}
    done = submission.schedule(api, replaced, NAME, wanted)
    assert done == "0 2 * * * (replaced, paused in Kubeflow)"
    assert kubeflow.recurring[0]["mode"] == "DISABLE"


def test_doubled_schedules_become_one(kubeflow, api, uploaded):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    kubeflow.recurring.append({**kubeflow.recurring[0], "recurring_run_id": "twin"})
    assert submission.schedule(api, uploaded, NAME, wanted) == "0 2 * * * (unchanged)"
    assert len(kubeflow.recurring) == 1


def test_a_schedule_of_another_pipeline_is_left_alone(kubeflow, api, uploaded):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    other = {**kubeflow.recurring[0], "recurring_run_id": "other"}
    other["pipeline_version_reference"] = {"pipeline_id": "x", "pipeline_version_id": "y"}
    kubeflow.recurring[:] = [other]
    assert submission.schedule(api, uploaded, NAME, wanted) == "0 2 * * * (new)"
    assert other in kubeflow.recurring


def test_a_schedule_that_is_no_longer_wanted_is_told(kubeflow, api, uploaded):
    assert submission.schedule(api, uploaded, NAME, settings()) == ""
    submission.schedule(api, uploaded, NAME, settings(schedule="0 2 * * *"))
    told = submission.schedule(api, uploaded, NAME, settings())
    assert told == "none, but Kubeflow still has a recurring run: delete it there"
    assert len(kubeflow.recurring) == 1


def test_an_old_schedule_that_cannot_be_deleted_is_told(kubeflow, api, uploaded, replaced):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    refusal = Answer(403, "may not delete")
    kubeflow.refuses["recurring_run_service_delete_recurring_run"] = refusal
    with pytest.raises(ApiError, match=r"still exists along with the new one.*may not delete"):
        submission.schedule(api, replaced, NAME, wanted)


def test_a_schedule_that_kubeflow_does_not_take_leaves_the_old_one(
    kubeflow, api, uploaded, replaced
):
    wanted = settings(schedule="0 2 * * *")
    submission.schedule(api, uploaded, NAME, wanted)
    before = list(kubeflow.recurring)
    kubeflow.refuses["recurring_run_service_create_recurring_run"] = Answer(400, "no such cron")
    with pytest.raises(ApiError, match="no such cron"):
        submission.schedule(api, replaced, NAME, wanted)
    assert kubeflow.recurring == before


def test_a_start_without_an_answer_says_that_the_run_may_be_there(kubeflow, api, uploaded):
    kubeflow.lost["run_service_create_run"] = 1
    with pytest.raises(ApiUnreachable, match="the run may have started: see"):
        submission.start(api, uploaded, NAME, settings(), {})


WATCHED = {"monitoring_schedule": "15 * * * *"}


class TestMonitoring:
    @pytest.fixture
    def apply(self, api, monitors):
        """Submits the first package, or the second one, with these settings."""

        def apply(second=False, **changes):
            chosen = settings(**changes)
            return submission.monitoring(api, monitors[2], monitors[second], chosen)

        return apply

    def test_it_is_kept_as_a_pipeline_of_its_own(self, kubeflow, apply, uploaded):
        assert apply(**WATCHED, service_account="runner") == "15 * * * * (new)"
        assert apply(**WATCHED, service_account="runner") == "15 * * * * (unchanged)"
        names = [each["display_name"] for each in kubeflow.pipelines]
        assert names == ["line", "line-monitor"]
        [recurring] = kubeflow.recurring
        assert recurring["display_name"] == "line-monitor"
        assert recurring["trigger"] == {"cron_schedule": {"cron": "0 15 * * * *"}}
        # A second one would ask the same, and one that was missed is made good by the next.
        assert (recurring["max_concurrency"], recurring["no_catchup"]) == ("1", True)
        assert recurring["service_account"] == "runner"
        assert recurring["runtime_config"]["parameters"] == {}

    def test_other_limits_replace_it(self, kubeflow, apply):
        apply(**WATCHED)
        assert apply(second=True, **WATCHED) == "15 * * * * (replaced)"
        assert (len(kubeflow.recurring), len(kubeflow.versions)) == (1, 2)

    def test_paused_it_stays_paused(self, kubeflow, apply):
        apply(**WATCHED)
        kubeflow.recurring[0] |= {"status": "DISABLED", "mode": "DISABLE"}
        assert apply(second=True, **WATCHED) == "15 * * * * (replaced, paused in Kubeflow)"

    def test_unset_it_is_taken_away(self, kubeflow, apply):
        apply(**WATCHED)
        assert apply() == "none (deleted)"
        assert kubeflow.recurring == []
        assert apply() == ""

    def test_never_set_nothing_is_made(self, kubeflow, apply):
        assert apply() == ""
        assert (kubeflow.pipelines, kubeflow.versions, kubeflow.recurring) == ([], [], [])

    def test_another_recurring_run_is_left_alone(self, kubeflow, api, apply, uploaded):
        submission.schedule(api, uploaded, NAME, settings(schedule="0 2 * * *"))
        apply(**WATCHED)
        apply()
        assert [each["display_name"] for each in kubeflow.recurring] == [NAME]
        submission.schedule(api, uploaded, NAME, settings(schedule="0 3 * * *"))
        assert len(kubeflow.recurring) == 1
