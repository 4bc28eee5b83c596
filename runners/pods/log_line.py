"""A result as a line of a pod's log, and the results in a log.

Where Kubeflow's API server can't read a pod's log, it returns the archived one. In that, a line
that is a JSON object is reduced to its key `log`. So a result has a prefix here, which what Airflow
loads knows too.
"""

from collections.abc import Iterator

_PREFIX = "beltline result: "


def log_line(result: str) -> str:
    """Returns the line for a result, which is a JSON object in one line."""
    return f"{_PREFIX}{result}"


def results(log: str) -> Iterator[str]:
    """Yields the results in a log, the last one first."""
    for line in reversed(log.splitlines()):
        if line.strip().startswith(_PREFIX):
            yield line.strip().removeprefix(_PREFIX)
