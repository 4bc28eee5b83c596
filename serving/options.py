"""The options of one server: what it serves, where, and its limits.

The command line and the program in the image make one of these; every part of the server reads it.
A new limit is a field of `ServingLimits`, and nothing here.
"""

from dataclasses import dataclass, field
from pathlib import Path

from beltline.base.settings.monitoring import Sampling
from beltline.base.settings.serving import ServingLimits
from beltline.versions.store import Place


@dataclass(frozen=True)
class Options:
    """What a server serves, and its limits."""

    name: str
    """The model's name in the URL."""
    folder: Place
    """The version folder, `<root>/<push.directory>/<name>`, or its URL; it may come later."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    token: str = ""
    """Clients send it as a bearer token; empty leaves the server open."""
    poll_seconds: float = 0.5
    """How often the version folder is read."""
    requests: Path | None = None
    """Folder for the sampled requests; None takes no samples."""
    limits: ServingLimits = field(default_factory=ServingLimits)
    """The port, and the limits of requests and batches."""
    sampling: Sampling = field(default_factory=Sampling)
    """Which rows are sampled; its `directory` is resolved in `requests`."""
