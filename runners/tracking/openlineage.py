"""Tells an OpenLineage backend of each node (`tracking.openlineage`): when it starts, how it ends.

Events and facets are those of the specification's own client, which checks them. Datasets are the
artifacts of ML Metadata, and the rows that ExampleGen reads.
"""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from beltline.bundle.environment import VERSION
from beltline.bundle.manifest import Manifest
from beltline.runners.metadata.store import Lineage
from beltline.runners.node.outcome import FAILED, Outcome
from beltline.runners.paths import Paths
from beltline.runners.tracking.failures import NotTold, safely

API_KEY = "OPENLINEAGE_API_KEY"
NAMESPACE = "beltline"
_ENDPOINT = "api/v1/lineage"
_PRODUCER = f"urn:beltline:{VERSION}"

log = logging.getLogger("beltline.tracking")

Artifacts = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class NodeEvents:
    """The events of one attempt at a node; nothing is told unless the settings name a backend.

    `attempt` tells the attempts at the run's nodes apart.
    """

    manifest: Manifest
    node: str
    run: str
    attempt: int
    paths: Paths

    def start(self) -> None:
        """Tells that the node starts."""
        self._tell(lambda: self._event("START"))

    def end(self, outcome: Outcome, lineage: Lineage) -> None:
        """Tells how the node ended: done, failed, or aborted where there was nothing to do."""
        if outcome.exit_code == FAILED:
            kind = "FAIL"
        else:
            kind = "ABORT" if outcome.state == "skipped" and not outcome.outputs else "COMPLETE"
        self._tell(lambda: self._event(kind, outcome, lineage))

    def _tell(self, event: Callable[[], Any]) -> None:
        url = self.paths.tracking.openlineage
        if url is None:
            return
        for problem in safely("tracking.openlineage", self.node, lambda: _send(url, event)):
            log.warning("%s", problem)

    def _event(
        self, kind: str, outcome: Outcome | None = None, lineage: Lineage | None = None
    ) -> Any:
        from openlineage.client import event_v2
        from openlineage.client.facet_v2 import error_message_run, parent_run

        whole = parent_run.Job(NAMESPACE, self.manifest.name)
        parent = parent_run.ParentRunFacet(parent_run.Run(self._id()), whole)
        facets: dict[str, Any] = {"parent": parent}
        if kind == "FAIL" and outcome:
            message = error_message_run.ErrorMessageRunFacet(outcome.reason, "Python")
            facets["errorMessage"] = message
        read, written = self._datasets(outcome, lineage) if outcome and lineage else ([], [])
        return event_v2.RunEvent(
            eventType=event_v2.RunState[kind],
            eventTime=datetime.now(UTC).isoformat(),
            run=event_v2.Run(self._id(self.node, str(self.attempt)), facets),
            job=event_v2.Job(NAMESPACE, f"{self.manifest.name}.{self.node}"),
            inputs=[event_v2.InputDataset(*named) for named in read],
            outputs=[event_v2.OutputDataset(*named) for named in written],
            producer=_PRODUCER,
        )

    def _id(self, *parts: str) -> str:
        """Returns an id in the form that the specification asks for: of the run, or of a part."""
        name = "/".join(("beltline", self.manifest.name, self.run, *parts))
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def _datasets(
        self, outcome: Outcome, lineage: Lineage
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        if outcome.execution_id is None:
            return [], []
        read = list(_named(lineage.inputs(outcome.execution_id)))
        path = lineage.properties(outcome.execution_id).get("path")
        if self.node == "ExampleGen" and path:
            read.insert(0, _dataset(str(path) if "://" in path else str(self.paths.data / path)))
        return read, list(_named(outcome.outputs))


def _send(url: str, event: Callable[[], Any]) -> None:
    if find_spec("openlineage") is None:
        raise NotTold("its client is not installed: install beltline[openlineage]")
    # Every node imports this module, and few have a backend.
    import requests
    from openlineage.client.serde import Serde

    from beltline.runners.tracking.http import send

    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(API_KEY):
        headers["Authorization"] = f"Bearer {key}"
    content = Serde.to_json(event()).encode()
    with requests.Session() as http:
        send(http, "POST", f"{url.rstrip('/')}/{_ENDPOINT}", data=content, headers=headers)


def _named(artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    """Yields namespace and name of each artifact."""
    for group in artifacts.values():
        for artifact in group:
            yield _dataset(artifact["uri"])


def _dataset(uri: str) -> tuple[str, str]:
    """Returns namespace and name of a dataset, as the specification names files and objects."""
    if "://" in uri:
        parts = urlsplit(uri)
        return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/") or "/"
    return "file", str(Path(uri))
