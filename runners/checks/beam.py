"""Checks where the nodes' Beam pipelines run: the cluster or engine answers, its workers fit."""

from contextlib import suppress
from typing import TYPE_CHECKING

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam, Runner
from beltline.runners.beam.arguments import check_installed, check_places
from beltline.runners.checks.finding import Problem
from beltline.runners.paths import Paths
from beltline.runners.training.place import check_place

if TYPE_CHECKING:
    from beltline.pipeline.settings.settings import Settings

_SECONDS = 10


def beam(paths: Paths) -> str:
    """Runs a tiny task on each cluster and engine that a node is sent to; Dataflow is not asked.

    Raises:
      Problem: nobody answers there in time, a worker has another environment, or it does not see
        the root.
    """
    # Only now, as the probe imports this module.
    from beltline.runners.checks.probe import nearest_folder

    root = str(nearest_folder(paths.root))
    return "; ".join(_told(paths, runner, root) for runner in paths.beam.runners())


def check_reach(paths: Paths, settings: "Settings") -> None:
    """Checks that workers elsewhere reach what they need, and that a training has some if it must.

    Raises:
      WrongInput: what Dataflow's workers need is on this machine, or a training of several workers
        has no cluster.
    """
    check_place(paths.beam, settings.training.workers)
    places = {"ExampleGen": settings.data.path or "the database"}
    if settings.predict:
        places["BulkInferrer"] = settings.predict.output
    check_places(paths.beam, str(paths.root), places)


def _told(paths: Paths, runner: Runner, root: str) -> str:
    beam = paths.beam
    if runner == "direct":
        return "in the nodes' own processes"
    if runner == "dataflow":
        return _dataflow(beam, str(paths.root))
    return _dask(beam, root) if runner == "dask" else _portable(beam, root)


def _dataflow(beam: Beam, root: str) -> str:
    """Compiles a tiny job as far as its request; nobody is asked."""
    try:
        check_installed("dataflow")
        check_places(beam, root, {})
        from beltline.runners.beam.dataflow import planned

        planned(beam.dataflow)
    except WrongInput as error:
        raise Problem(str(error), "see docs/scale.md, Google's Dataflow") from None
    where = beam.dataflow
    return (
        f"a job for Dataflow in {where.project}, {where.region}, compiles, with {where.image}; "
        "Google was not asked"
    )


def _dask(beam: Beam, root: str) -> str:
    try:
        from beltline.beam_on_dask.runner import ClusterLost
    except ImportError as error:
        fix = "install the locked requirements, or beltline[dask]"
        raise Problem(f"Dask is not installed ({error})", fix) from None
    try:
        return _on_dask(beam, root)
    except ClusterLost as error:
        fix = "`beltline cluster up` starts one on this machine"
        raise Problem(str(error), fix) from None
    except WrongInput as error:
        raise Problem(str(error), "see docs/scale.md, what a worker needs") from None


def _portable(beam: Beam, root: str) -> str:
    from beltline.runners.beam.portable import EngineLost
    from beltline.runners.beam.trial import trial

    try:
        answer = trial(beam.portable, root)
    except (EngineLost, WrongInput) as error:
        raise Problem(str(error), "see docs/scale.md, another engine") from None
    if not answer:
        fix = "mount the root's volume on the workers, under the same path"
        raise Problem(f"what a worker of {beam.portable.workers} wrote to {root} is not here", fix)
    return f"a worker on {answer['host']} by {beam.portable.endpoint}, with this environment"


def _on_dask(beam: Beam, root: str) -> str:
    from distributed import wait

    from beltline.beam_on_dask.options import Scheduler
    from beltline.beam_on_dask.runner import connected, workers_of
    from beltline.runners.beam import worker
    from beltline.runners.beam.dask import compare

    dask = beam.dask
    scheduler = Scheduler(dask.scheduler, dask.ca, dask.certificate, dask.key)
    with connected(scheduler) as client:
        asked = {
            address: client.submit(worker.found, root, workers=[address], pure=False)
            for address in workers_of(client)
        }
        with suppress(TimeoutError), client.as_current():
            wait(list(asked.values()), timeout=_SECONDS)
        late = [address for address, answer in asked.items() if not answer.done()]
        if late:
            fix = "they may be busy with another job; otherwise restart them"
            raise Problem(f"no answer within {_SECONDS} s from {', '.join(late)}", fix)
        answers = client.gather(asked)
    compare(answers)
    blind = [address for address, answer in answers.items() if answer["root"] != "writable"]
    if blind:
        seen = answers[blind[0]]["root"]
        fix = "mount the root's volume on the workers, under the same path"
        raise Problem(f"{root} is {seen} on {', '.join(blind)}", fix)
    hosts = sorted({answer["host"] for answer in answers.values()})
    return f"{len(answers)} Dask workers on {', '.join(hosts)}, with this environment"
