"""Parallel trials: a process per GPU, or several on the CPU's cores.

The parent has the oracle and trains nothing; the others train one trial at a time.
"""

import logging
import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import keras_tuner
import tensorflow as tf
from keras_tuner.engine import trial as trials

from beltline.models.config import Auto, Gpu
from beltline.models.oracles import DefaultsFirst
from beltline.models.trials import TrialData, run_trial

LOG = logging.getLogger("beltline.tuner")

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_FORM = "%(asctime)s %(levelname)s %(name)s: %(processName)s: %(message)s"

Environment = Mapping[str, str]


def environments(parallel: int | Auto, gpu: Gpu) -> list[Environment]:
    """Returns the environment variables of each process: its GPU, or its number of threads.

    Args:
      parallel: how many at once; `auto` is one for each GPU, or one on the CPU. There are no more
        than GPUs, nor, without any, than cores.
      gpu: as of `choose_devices`; with `off` there are none.
    """
    gpus = 0 if gpu == "off" else len(tf.config.list_physical_devices("GPU"))
    cores = len(os.sched_getaffinity(0))
    wanted = (gpus or 1) if parallel == "auto" else int(parallel)
    count = min(wanted, gpus or cores)
    if count < wanted:
        have = f"{gpus} GPU(s)" if gpus else f"{cores} core(s) and no GPU"
        LOG.info("%d trials at once, not %d: there are %s", count, wanted, have)
    if gpus:
        named = os.environ.get(_VISIBLE) or ",".join(str(number) for number in range(gpus))
        return [{_VISIBLE: gpu} for gpu in named.split(",")[:count]]
    return [dict.fromkeys(_THREADS, str(max(1, cores // count)))] * count


def search_in_processes(
    oracle: DefaultsFirst, data: TrialData, processes: Sequence[Environment]
) -> None:
    """Runs the oracle's trials until it has no more.

    Raises:
      keras_tuner.errors.FatalError: a process can't train at all, or has ended.
    """
    LOG.info("%d trials at once", len(processes))
    with _started(data, processes) as idle:
        at_work: dict[Connection, trials.Trial] = {}
        while True:
            for name, connection in list(idle.items()):
                trial = oracle.create_trial(name)
                if trial.status == trials.TrialStatus.RUNNING:
                    connection.send(trial.get_state())
                    at_work[idle.pop(name)] = trial
            if not at_work:
                return
            # It was given nothing but connections.
            for ready in cast(list[Connection], wait(list(at_work))):
                name = _end(oracle, at_work.pop(ready), ready)
                idle[name] = ready


def _end(oracle: DefaultsFirst, trial: trials.Trial, connection: Connection) -> str:
    """Tells the oracle how a trial ended; returns the name of the process that is idle now."""
    name = oracle.process_of(trial)
    try:
        metrics, failed, fatal = connection.recv()
    except EOFError:
        fatal = f"trial {trial.trial_id}: its process was killed; is there too little memory?"
    if fatal:
        raise keras_tuner.errors.FatalError(fatal)
    if failed:
        trial.status, trial.message = trials.TrialStatus.FAILED, failed
    else:
        oracle.update_trial(trial.trial_id, metrics)
        trial.status = trials.TrialStatus.COMPLETED
    oracle.end_trial(trial)
    # It does so before it forgets that the trial was at work.
    oracle.save()
    return name


@contextmanager
def _started(data: TrialData, processes: Sequence[Environment]) -> Iterator[dict[str, Connection]]:
    """Starts the processes; yields the connection to each by name, and ends them afterwards."""
    # A forked one can't use what TensorFlow has begun here.
    context = multiprocessing.get_context("spawn")
    started, connections = [], {}
    try:
        for number, environment in enumerate(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, data), name=f"trials-{number}")
            with _environment(environment):
                process.start()
            theirs.close()
            started.append(process)
            connections[process.name] = ours
        yield connections
    finally:
        for process in started:
            process.kill()
            process.join()


@contextmanager
def _environment(variables: Environment) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _work(connection: Connection, data: TrialData) -> None:
    """Runs in a process that trains: answers each trial with its metrics or its error.

    It ends when its parent closes the connection.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format=_FORM)
    logging.getLogger("beltline").setLevel(logging.INFO)
    while True:
        try:
            trial = trials.Trial.from_state(connection.recv())
        except EOFError:
            return
        connection.send(_answer(trial, data))


def _answer(trial: trials.Trial, data: TrialData) -> tuple[dict[str, float], str, str]:
    try:
        return run_trial(trial, data), "", ""
    except keras_tuner.errors.FailedTrialError as error:
        return {}, str(error), ""
    except keras_tuner.errors.FatalError as error:
        return {}, "", str(error)


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    wait([parent.sentinel])
    os._exit(1)
