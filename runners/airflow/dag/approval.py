"""The task that asks a person about the version that waits (`push.approval: required`).

Beside `dag.py` in the folder that Airflow loads; see there. While nobody has answered, the task
waits in the state `awaiting_input`: no process runs. What carries the answer out is the task after
it, which runs where and as the nodes do.
"""

import json
from collections.abc import Mapping
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from .nodes import Context, Deployment
from .results import PUSHER, WAITING, Result

APPROVE, REJECT = "Approve", "Reject"
_VERDICTS = {APPROVE: "approved", REJECT: "rejected"}
_EVALUATOR = "Evaluator"
# Whatever a command can be given.
_NOTE = r"^[^\x00]*$"


class Approval(HITLOperator):
    """Asks whether the version that Pusher has held becomes live; skipped if it held none.

    Not `ApprovalOperator`, which skips what follows a rejection: that is carried out too.
    """

    def __init__(self, *, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._deployment = deployment

    def execute(self, context: Context) -> None:
        """Asks, and waits without a process."""
        number = self._waiting(context)
        if not number:
            raise AirflowSkipException("no version waits for approval")
        name = self._deployment.name
        self.subject = f"Version {number} of {name} waits: does it become live?"
        evaluation = context["ti"].xcom_pull(task_ids=_EVALUATOR) or {}
        self.body = "\n".join(_body(number, context["run_id"], evaluation))
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """Returns the answer in the form that the task after this one carries out."""
        answer = super().execute_complete(context, event)
        [option] = answer["chosen_options"]
        user = answer["responded_by_user"] or {}
        return {
            "version": self._waiting(context),
            "verdict": _VERDICTS[option],
            "by": str(user.get("name") or user.get("id") or ""),
            "note": str(answer["params_input"].get("note") or ""),
        }

    def _waiting(self, context: Context) -> str:
        pusher = self._deployment.task_of(PUSHER)
        return str(context["ti"].xcom_pull(task_ids=pusher, key=WAITING) or "")


def task(deployment: Deployment, **kwargs: Any) -> Approval:
    """Returns the task that asks."""
    note = Param(
        "",
        title="Note",
        description="Why, for whoever asks later.",
        type=["string", "null"],
        maxLength=2000,
        pattern=_NOTE,
    )
    return Approval(
        deployment=deployment,
        subject="Does the version that waits become live?",
        options=[*_VERDICTS],
        params={"note": note},
        # A person may take longer than a node, and leaves nothing to reconcile.
        execution_timeout=None,
        on_failure_callback=None,
        on_retry_callback=None,
        # Pusher is skipped.
        trigger_rule="none_failed",
        **kwargs,
    )


def _body(number: str, run: str, evaluation: Result) -> list[str]:
    """Returns the Markdown below the question; metrics only where the Evaluator is a task."""
    lines = [
        f"Run `{run}` trained it, and all gates let it pass.",
        "",
        f"- **{APPROVE}** makes it the live version, under this number.",
        f"- **{REJECT}** deletes it, and the same model is not held again.",
    ]
    outputs = evaluation.get("outputs", {}).get("evaluation", [])
    found = [json.loads(each["properties"].get("candidate") or "{}") for each in outputs]
    if found and found[0]:
        champion = json.loads(outputs[0]["properties"].get("baseline") or "{}")
        lines += ["", *_table(number, found[0], champion)]
    return lines


def _table(number: str, candidate: Mapping[str, float], champion: Mapping[str, float]) -> list[str]:
    head = [f"| metric | version {number} | champion |", "|---|---|---|"]
    shown = {name: f"{value:.4f}" for name, value in champion.items()}
    rows = [
        f"| {name} | {value:.4f} | {shown.get(name, '-')} |" for name, value in candidate.items()
    ]
    return [*head, *rows]
