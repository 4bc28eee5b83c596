"""How one server answers: what it serves, where, and the limits it keeps.

The command line and the program in the image make one of these; every part of the server reads it.
A new limit is a field here, and a setting in `pipeline/settings/serving.py` that fills it.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What a server serves and the limits it keeps."""

    name: str
    """The model's name in the URL."""
    folder: Path
    """The version folder, `<root>/<push.directory>/<name>`; it need not be there yet."""
    host: str = "127.0.0.1"
    port: int = 8501
    """0 means a free one."""
    token: str = ""
    """Callers send it as a bearer token; empty leaves the server open."""
    max_request_mb: float = 16
    """Largest body of one request, in MiB."""
    max_rows: int = 10_000
    """Most rows of one request."""
    timeout_seconds: float = 30
    """Longest that a request waits for its answer."""
    batch_rows: int = 256
    """Most rows asked of the model at once."""
    queue_rows: int = 4_096
    """Most rows that wait for the model; a request for more is refused at once."""
    poll_seconds: float = 0.5
    """How often the version folder is looked at."""
    requests: Path | None = None
    """Where sampled requests are written; None takes no samples."""
    sample_rate: float = 1.0
    """Share of the rows that are sampled, 0 to 1."""
    sample_without: tuple[str, ...] = ()
    """Columns that are left out of the samples."""
    sample_mb: int = 1024
    """Most that the samples take on disk, in MiB; the oldest files go first."""
    key: str | None = None
    """A field of a row that names it, such as a part number; sampled, and no input of the model."""
