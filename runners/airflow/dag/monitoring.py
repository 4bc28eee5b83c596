"""The DAG that monitors the live version, and triggers the pipeline if its requests have drifted.

Beside `dag.py` in the folder that Airflow loads; see there. `Monitor` runs where and as the nodes
do, and is skipped unless it raises an alarm; `Retrain`, skipped with it, triggers a run.
"""

import json
from collections.abc import Callable
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from .nodes import MONITOR, RUN, Context, Deployment, log

RETRAIN = "Retrain"
_UNDER_WAY = ["queued", "running"]
_RESOURCES = {"cpu": None, "memory": None, "gpu": 0}


class RetrainOperator(TriggerDagRunOperator):
    """Triggers a run of the pipeline, unless one is in progress, which reads the same data."""

    def execute(self, context: Context) -> None:
        """Triggers the run; skipped if one is queued or running."""
        if context["ti"].get_dr_count(dag_id=self.trigger_dag_id, states=_UNDER_WAY):
            reason = f"a run of {self.trigger_dag_id} is already in progress"
            # Airflow logs only that the task was skipped.
            log.info("%s", reason)
            raise AirflowSkipException(reason)
        super().execute(context)


def build(deployment: Deployment, make: Callable[..., Any], for_every_task: dict[str, Any]) -> DAG:
    """Returns the DAG.

    Args:
      deployment: the compiled deployment.
      make: returns the task of a node.
      for_every_task: the default arguments of the tasks.
    """
    airflow = deployment.airflow
    with DAG(
        f"{deployment.name}_monitor",
        description=f"Beltline: monitors the live version of {deployment.name}",
        doc_md=_text(deployment),
        schedule=airflow["monitoring_schedule"],
        start_date=deployment.start_date,
        # Past intervals would compare the same requests.
        catchup=False,
        max_active_runs=1,
        tags=sorted({"beltline", "monitor", *airflow["tags"]}),
        user_defined_macros={"watch": json.dumps(deployment.monitoring, sort_keys=True)},
        default_args=for_every_task,
    ) as dag:
        node = {"id": MONITOR, "nodes": [MONITOR], "resources": _RESOURCES}
        watching = make(deployment, node, task_id=MONITOR, doc_md=_DOES)
        if airflow["retrain_on_drift"]:
            _retrain(deployment).set_upstream(watching)
    return dag


def _retrain(deployment: Deployment) -> RetrainOperator:
    return RetrainOperator(
        task_id=RETRAIN,
        doc_md=f"Starts a run of {deployment.name} on the latest data.",
        trigger_dag_id=deployment.name,
        # The same at every retry, so that an alarm triggers one run.
        trigger_run_id=f"drift__{RUN}",
        skip_when_already_exists=True,
        # Without a date it reads the latest span.
        logical_date=None,
    )


_DOES = (
    "Compares recent requests with the training data. Success: an alarm was raised. Skipped: no "
    "alarm."
)


def _text(deployment: Deployment) -> str:
    retrains = deployment.airflow["retrain_on_drift"]
    follows = f"triggers a run of `{deployment.name}`" if retrains else "triggers nothing"
    limits = json.dumps(deployment.monitoring, indent=2, ensure_ascii=False, sort_keys=True)
    return "\n".join(
        [
            f"Monitors the live version of `{deployment.name}`.",
            "",
            f"- {_DOES}",
            f"- an alarm {follows}",
            f"- run by: {deployment.airflow['where']}",
            "",
            *("Limits:", "", "```json", limits, "```"),
        ]
    )
