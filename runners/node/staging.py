"""Artifacts in an object store: inputs are fetched before a node runs, its outputs uploaded after.

ML Metadata hears of outputs once they are uploaded: whoever finds an artifact there finds it whole.
Executors read and write files, as TFRecord and SavedModel need them. Outputs move into the cache,
where the next node on this machine finds them.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beltline.runners.metadata.identity import identity
from beltline.runners.metadata.leftovers import sweep_store
from beltline.runners.metadata.store import Lineage
from beltline.runners.paths import Paths
from beltline.storage import cache, folders
from beltline.storage.url import ObjectUrl, is_url

log = logging.getLogger("beltline.node")


def staging_of(lineage: Lineage, paths: Paths, node: str) -> "Staging | None":
    """Returns how a node's artifacts are staged; None where they are kept in the root.

    What the node's executions have uploaded and not published is deleted.

    Args:
      lineage: the pipeline's ML Metadata; its database's id is part of the URL.
      paths: the paths of the run.
      node: the node, none of whose executions runs.

    Raises:
      StoreError: the store can't be read or changed.
    """
    if paths.store is None:
        return None
    kept = paths.store / identity(lineage)
    sweep_store(lineage, kept, node)
    return Staging(paths.artifacts, kept)


@dataclass(frozen=True)
class Staging:
    """Artifacts made below a folder on this machine, and kept below a URL."""

    made: Path
    kept: ObjectUrl

    def run(self, run_executor: Callable[[Any], Any], info: Any) -> Any:
        """Runs TFX's executor of an execution; returns its output, with the URLs of artifacts.

        Args:
          run_executor: runs it, with paths for URIs.
          info: TFX's information on the execution; its artifacts are changed.

        Raises:
          StoreError: an input can't be fetched, or an output not be uploaded.
        """
        fetched = dict(_fetch(info.input_dict))
        output = run_executor(info)
        artifacts = list(_published(info.output_dict, output))
        made = {Path(each.uri) for each in artifacts if Path(each.uri).is_relative_to(self.made)}
        try:
            for folder in sorted(made):
                folders.upload(self._url(folder), folder)
        except BaseException:
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        every = [*artifacts, *(each for group in info.output_dict.values() for each in group)]
        for artifact in every:
            if Path(artifact.uri).is_relative_to(self.made):
                artifact.uri = str(self._url(Path(artifact.uri)))
            _name_by_url(artifact, fetched)
        for folder in made:
            # The upload is what counts.
            with suppress(OSError):
                cache.put(str(self._url(folder)), folder)
        log.info("uploaded %d artifacts to %s", len(made), self.kept)
        return output

    def _url(self, folder: Path) -> ObjectUrl:
        return self.kept / folder.relative_to(self.made).as_posix()


def _fetch(inputs: Any) -> Iterator[tuple[str, str]]:
    """Fetches what is at a URL, for as long as this process runs; yields each path and its URL."""
    for group in inputs.values():
        for artifact in group:
            if is_url(artifact.uri):
                url = artifact.uri
                artifact.uri = str(folders.local(url, stay=True))
                yield artifact.uri, url


def _published(outputs: Any, output: Any) -> Iterator[Any]:
    """Yields the artifacts that TFX publishes: those that the executor returns, or else its own."""
    for key, group in outputs.items():
        returned = output.output_artifacts
        yield from returned[key].artifacts if key in returned else group


def _name_by_url(artifact: Any, fetched: dict[str, str]) -> None:
    """Replaces paths of inputs in an artifact's properties, such as the model that was judged."""
    message = getattr(artifact, "mlmd_artifact", artifact)
    for value in message.custom_properties.values():
        if value.string_value in fetched:
            value.string_value = fetched[value.string_value]
