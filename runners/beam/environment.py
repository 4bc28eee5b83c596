"""Whether a worker has the environment of the node that sends it work."""

from collections.abc import Mapping

from beltline.base.errors import WrongInput

# What must be equal, and what to call it.
_COMPARED = {
    "python": "Python",
    "beam": "Beam",
    "lock": "the locked requirements",
    "beltline": "Beltline's sources",
}


def compare(name: str, there: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Compares a worker's environment with the node's, both as `worker.found` returns them.

    Args:
      name: what the worker is called.
      there: the worker's.
      here: the node's.

    Raises:
      WrongInput: they differ; the message says in what.
    """
    for key, label in _COMPARED.items():
        if there[key] != here[key]:
            raise WrongInput(
                f"{name} on {there['host']} differs in {label}: {there[key]} there, {here[key]} "
                "here: start the workers in an environment made from the same lock, with the same "
                "Beltline"
            )
