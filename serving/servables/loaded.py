"""One version in memory, ready to answer.

`load` takes a version only if it is what was pushed and answers as it did then: what it must pass
is in `checks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beltline.serving.servables import checks
from beltline.serving.servables.errors import BrokenVersion
from beltline.serving.servables.signature import Columns, Signature
from beltline.versions.folder import Version

if TYPE_CHECKING:
    from beltline.serving.servables.session import Session


class Loaded:
    """A version in memory. Its memory is given back when nobody holds it any more, or by `close`.

    Attributes:
      number: the version's number.
      version: where it lies and what its card says.
      signatures: what it can be asked, by name.
    """

    def __init__(self, version: Version, session: Session) -> None:
        self.number = version.number
        self.version = version
        self.signatures: dict[str, Signature] = session.signatures
        self.session = session

    def run(self, signature: str, inputs: Columns) -> Columns:
        """Answers rows, in the calling thread; any number of threads may ask at once.

        Args:
          signature: which of `signatures`.
          inputs: a value for every input of it, by the input's name; `[rows, ...]` each.

        Returns:
          The outputs by name, `[rows, ...]` each where the signature answers by row.

        Raises:
          WrongValues: the model can't take the values.
          ModelFailed: it failed for another reason.
        """
        return self.session.run(signature, inputs)

    def close(self) -> None:
        """Gives the memory back; `run` fails from then on. A second call does nothing."""
        self.session.close()


def load(version: Version, batch_rows: int = 256) -> Loaded:
    """Loads a version, has it answer its recorded rows, and warms it up.

    Args:
      version: what to load.
      batch_rows: the most rows that it will be asked at once.

    Raises:
      BrokenVersion: it doesn't load, isn't what was pushed, or doesn't answer as recorded.
    """
    try:
        return _load(version, batch_rows)
    except BrokenVersion:
        raise
    except Exception as error:  # TensorFlow, and a folder that changes under us, raise anything
        why = " ".join(str(error).split())[:500] or "no reason given"
        raise BrokenVersion(version.number, f"{type(error).__name__}: {why}") from error


def _load(version: Version, batch_rows: int) -> Loaded:
    from beltline.serving.servables.session import Session  # TensorFlow, with it

    checks.check_digest(version)
    recorded = checks.recorded(version)
    loaded = Loaded(version, Session(version.path, checks.columns(version)))
    try:
        if not loaded.signatures:
            raise BrokenVersion(version.number, "it has no signature that can be asked")
        checks.check_answers(version, loaded.signatures, loaded.run, recorded)
        checks.warm_up(loaded.signatures, loaded.run, recorded, batch_rows)
    except BaseException:
        loaded.close()
        raise
    return loaded
