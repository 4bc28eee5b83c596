"""One version in memory, ready to serve.

`load` accepts a version only if it is what was pushed and answers as it did then: see `checks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beltline.versions.folder import Version
from beltline.versions.loaded import checks
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.loaded.signature import NamedArrays, Signature

if TYPE_CHECKING:
    from beltline.versions.loaded.session import Session


class Servable:
    """A version in memory. Its memory is freed when nobody holds it any more, or by `close`.

    Attributes:
      number: the version's number.
      version: its path and its card.
      signatures: by name.
      threshold: from which probability on a binary model says yes; None if that isn't known.
    """

    def __init__(self, version: Version, session: Session, threshold: float | None = None) -> None:
        self.threshold = threshold
        self.number = version.number
        self.version = version
        self.signatures: dict[str, Signature] = session.signatures
        self.session = session

    def run(self, signature: str, inputs: NamedArrays) -> NamedArrays:
        """Runs a signature in the calling thread; any number of threads may do so at once.

        Args:
          signature: which of `signatures`.
          inputs: a value for every input of it, by the input's name; `[rows, ...]` each.

        Returns:
          The outputs by name, `[rows, ...]` each where the signature is by row.

        Raises:
          WrongValues: the model rejects the values.
          ModelFailed: it failed for another reason.
        """
        return self.session.run(signature, inputs)

    def close(self) -> None:
        """Frees the memory; `run` fails from then on. A second call does nothing."""
        self.session.close()


def load(version: Version, batch_rows: int) -> Servable:
    """Loads a version, checks it, and warms it up.

    Args:
      version: what to load.
      batch_rows: the largest batch that it will run.

    Raises:
      BrokenVersion: it doesn't load, isn't what was pushed, or doesn't answer as recorded.
    """
    try:
        return _load(version, batch_rows)
    except BrokenVersion:
        raise
    except Exception as error:  # TensorFlow, and a changing folder, may raise anything
        why = " ".join(str(error).split())[:500] or "no reason given"
        raise BrokenVersion(version.number, f"{type(error).__name__}: {why}") from error


def _load(version: Version, batch_rows: int) -> Servable:
    from beltline.versions.loaded.session import Session  # imports TensorFlow

    checks.check_digest(version)
    recorded = checks.recorded(version)
    session = Session(version.path, checks.column_names(version))
    servable = Servable(version, session, checks.threshold(version))
    try:
        if not servable.signatures:
            raise BrokenVersion(version.number, "it has no signature that can be called")
        checks.check_answers(version, servable.signatures, servable.run, recorded)
        checks.warm_up(servable.signatures, servable.run, recorded, batch_rows)
    except BaseException:
        servable.close()
        raise
    return servable
