"""The coders of a stage, made from its descriptor where they are needed: on the workers."""

from typing import Any

from beltline.beam_on_dask.internals import (
    SAFE_WINDOW_FNS,
    beam_fn_api_pb2,
    beam_runner_api_pb2,
    pipeline_context,
)
from beltline.beam_on_dask.plan import Coding, PlannedStage


class Coders:
    """A stage's coders and windowing strategies by their ids."""

    def __init__(self, stage: PlannedStage):
        descriptor = beam_fn_api_pb2.ProcessBundleDescriptor.FromString(stage.descriptor)
        self._safe = stage.safe_coders
        self._context = pipeline_context.PipelineContext(
            beam_runner_api_pb2.Components(
                coders=dict(descriptor.coders),
                windowing_strategies=dict(descriptor.windowing_strategies),
                environments=dict(descriptor.environments),
            )
        )

    def safe(self, coder: str) -> Any:
        """Returns a coder that leaves as bytes what only user code can decode."""
        return self._context.coders[self._safe.get(coder, coder)]

    def windowing(self, coding: Coding) -> Any:
        """Returns the windowing strategy of the elements."""
        return self._context.windowing_strategies[coding.windowing]

    def pair(self, coding: Coding) -> tuple[Any, Any]:
        """Returns the coders of writing and of reading, safe ones where the two allow it."""
        known = self.windowing(coding).windowfn.to_runner_api(self._context).urn in SAFE_WINDOW_FNS
        of = self.safe if known else self._context.coders.__getitem__
        return of(coding.written), of(coding.read)

    def recoders(self, coding: Coding) -> tuple[Any, Any]:
        """Returns the coders that turn written elements into those that are read."""
        if coding.written == coding.read:
            return self.safe(coding.written), self.safe(coding.read)
        return self._context.coders[coding.written], self._context.coders[coding.read]
