"""The recurring run of a pipeline: exactly one, named like the pipeline, of the last submission.

Monitoring, which is a pipeline of its own, has one too.
"""

from dataclasses import dataclass
from typing import Any

import kfp_server_api as kfp

from beltline.runners.kubeflow.server.api import ApiError, KubeflowApi


@dataclass(frozen=True)
class Schedule:
    """The schedule of a version of a pipeline; `cron` has five fields."""

    name: str
    cron: str
    pipeline: str
    version: str
    experiment: str
    service_account: str | None = None
    max_active_runs: int = 1
    catchup: bool = False


def recurring_runs_of(api: KubeflowApi, name: str, pipeline: str) -> list[Any]:
    """Returns the recurring runs of a pipeline with this name."""
    return [each for each in api.recurring_runs(name) if _reference(each)[0] == pipeline]


def apply(api: KubeflowApi, schedule: Schedule) -> str:
    """Applies the schedule, deletes others of the same name, and returns what was done.

    A paused recurring run stays paused.
    """
    found = recurring_runs_of(api, schedule.name, schedule.pipeline)
    paused = bool(found) and all(each.status == _PAUSED for each in found)
    state = ", paused in Kubeflow" if paused else ""
    same = [each for each in found if _is(each, schedule)]
    if not same:
        api.create_recurring_run(_recurring_run(schedule, paused))
    for old in found:
        if old not in same[:1]:
            _delete(api, old)
    done = "unchanged" if same else "replaced" if found else "new"
    return f"{schedule.cron} ({done}{state})"


def remove(api: KubeflowApi, name: str, pipeline: str) -> bool:
    """Deletes the recurring runs of a pipeline with this name; returns whether there were any."""
    found = recurring_runs_of(api, name, pipeline)
    for each in found:
        api.delete_recurring_run(each.recurring_run_id)
    return bool(found)


def _delete(api: KubeflowApi, old: Any) -> None:
    try:
        api.delete_recurring_run(old.recurring_run_id)
    except ApiError as error:
        raise ApiError(
            f"the old recurring run {old.recurring_run_id} of {old.display_name} still exists "
            f"along with the new one: delete it in Kubeflow; {error}",
            error.status,
        ) from None


def _recurring_run(schedule: Schedule, paused: bool) -> kfp.V2beta1RecurringRun:
    return kfp.V2beta1RecurringRun(
        display_name=schedule.name,
        description="managed by `beltline submit kubeflow`",
        experiment_id=schedule.experiment,
        pipeline_version_reference=kfp.V2beta1PipelineVersionReference(
            pipeline_id=schedule.pipeline, pipeline_version_id=schedule.version
        ),
        runtime_config=kfp.V2beta1RuntimeConfig(parameters={}),
        service_account=schedule.service_account,
        max_concurrency=str(schedule.max_active_runs),
        trigger=kfp.V2beta1Trigger(cron_schedule=kfp.V2beta1CronSchedule(cron=_cron(schedule))),
        mode=kfp.RecurringRunMode.DISABLE if paused else kfp.RecurringRunMode.ENABLE,
        no_catchup=not schedule.catchup,
    )


_PAUSED = kfp.V2beta1RecurringRunStatus.DISABLED


def _cron(schedule: Schedule) -> str:
    # Kubeflow's first field is seconds.
    return f"0 {schedule.cron}"


def _is(found: Any, schedule: Schedule) -> bool:
    cron = found.trigger.cron_schedule.cron if found.trigger and found.trigger.cron_schedule else ""
    return (
        _reference(found) == (schedule.pipeline, schedule.version)
        and cron == _cron(schedule)
        and found.experiment_id == schedule.experiment
        and (not schedule.service_account or found.service_account == schedule.service_account)
        and int(found.max_concurrency or 0) == schedule.max_active_runs
        and bool(found.no_catchup) != schedule.catchup
    )


def _reference(found: Any) -> tuple[str, str]:
    reference = found.pipeline_version_reference
    return (reference.pipeline_id, reference.pipeline_version_id) if reference else ("", "")
