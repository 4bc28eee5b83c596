"""Carries out a person's answer about the version that waits for approval.

`python -m beltline.runners.approval --bundle DIR --run ID --version V --verdict approved`, started
by an orchestrator as a node would be; needs no TFX. The last line on stdout is one JSON object
like a node's, whose `pushed_model` is the version that is live now.

Exit codes: 0 the version was approved, 99 it was rejected, or superseded before the answer; 1 the
answer can't be carried out, or the command failed, 2 invalid options.
"""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from beltline.base.errors import BeltlineError, WrongInput
from beltline.bundle.folder import Bundle, open_bundle
from beltline.runners.approval.record import HeldVersion, made_known
from beltline.runners.metadata.approval import held_model
from beltline.runners.metadata.store import Lineage
from beltline.runners.metadata.waiting import PATIENCE_SECONDS, wait_for_metadata
from beltline.runners.node.outcome import PUSHER, Outcome
from beltline.runners.node.parameters import check_run
from beltline.runners.node.run import bundle_of_run, set_up_logging
from beltline.runners.paths import Paths
from beltline.versions.approval import approve, reject
from beltline.versions.folder import known
from beltline.versions.store import Place, shown, store_of

NODE = "Decide"

log = logging.getLogger("beltline.approval")


@dataclass(frozen=True)
class Answer:
    """What a person has answered about a version that `run` held; `by` and `note` may be empty."""

    run: str
    version: int
    verdict: Literal["approved", "rejected"]
    by: str = ""
    note: str = ""


def carry_out(bundle: Bundle, paths: Paths, answer: Answer) -> Outcome:
    """Carries out an answer; returns `done` if the version is approved.

    It is `skipped` if the version was rejected, or superseded meanwhile, and `refused` if the
    answer contradicts what was decided elsewhere, or a version is live that this one was not
    compared with.

    Raises:
      WrongInput: ML Metadata can't be read, or the bundle that the run started with can't be
        opened; nothing was decided.
      OSError: the versions can't be written; the same answer may be carried out again.
    """
    # Before the decision: once it is made, it should be recorded.
    lineage = wait_for_metadata(paths, bundle.manifest.name, PATIENCE_SECONDS)
    manifest = bundle_of_run(bundle, PUSHER, answer.run, lineage.nodes(answer.run)).manifest
    served = paths.served(manifest.push, manifest.name)
    run = _run_of(served, answer)
    carry = approve if answer.verdict == "approved" else reject
    try:
        carry(served, answer.version, answer.by, answer.note)
    except WrongInput as error:
        return _impossible(served, answer, str(error))
    decided = HeldVersion(served, answer.version, run, manifest)
    for problem in made_known(paths, manifest.name, decided):
        log.warning("%s", problem)
    # Somebody may have decided the same before.
    said = store_of(served).state().decisions[answer.version].of(answer.version)
    if answer.verdict == "rejected":
        return Outcome(NODE, "skipped", reason=said)
    log.info("%s", said)
    return Outcome(NODE, "done", outputs={"pushed_model": [_pushed(lineage, decided)]})


def _run_of(served: Place, answer: Answer) -> str:
    """Returns the run that held the version first; its card is gone once it was rejected."""
    there = known(served, answer.version)
    return (there.run if there else "") or answer.run


def _pushed(lineage: Lineage, held: HeldVersion) -> dict[str, Any]:
    """Returns the push as a node's result has it, also where ML Metadata doesn't know it."""
    model = held_model(lineage, held.run, held.number) or {"uri": "", "properties": {}}
    made = {
        "pushed_version": str(held.number),
        "pushed_destination": shown(held.served, held.number),
    }
    return model | {"properties": model["properties"] | made}


def _impossible(served: Place, answer: Answer, why: str) -> Outcome:
    """Returns the outcome of an answer that comes too late, or that contradicts another one."""
    decision = store_of(served).state().decisions.get(answer.version)
    if decision and decision.verdict == "superseded":
        late = f"version {answer.version} was superseded {decision.note}".rstrip()
        return Outcome(NODE, "skipped", reason=f"{late}, before it was {answer.verdict}")
    return Outcome(NODE, "refused", reason=why)


@click.command()
@click.option("--bundle", "folder", type=Path, required=True, help="The bundle's folder.")
@click.option("--run", required=True, help="The run that asks.")
@click.option("--version", type=int, required=True, help="The version that waits.")
@click.option("--verdict", type=click.Choice(["approved", "rejected"]), required=True)
@click.option("--by", default="", help="Who has answered.")
@click.option("--note", default="", help="Why, for whoever asks later.")
def main(
    folder: Path,
    run: str,
    version: int,
    verdict: Literal["approved", "rejected"],
    by: str,
    note: str,
) -> None:
    """Approve or reject the version that waits, as a person has answered."""
    set_up_logging()
    check_run(run)
    try:
        bundle, paths = open_bundle(folder), Paths.from_environment()
        ended = carry_out(bundle, paths, Answer(run, version, verdict, by, note))
    except (BeltlineError, OSError) as error:
        ended = Outcome(NODE, "failed", reason=str(error))
    if ended.reason:
        click.echo(f"{NODE} {ended.state}: {ended.reason}", err=True)
    click.echo(ended.line())
    sys.exit(ended.exit_code)
