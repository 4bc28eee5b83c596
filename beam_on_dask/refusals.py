"""What the runner can't do, found in the pipeline before anything runs, and refused by name."""

from typing import Any

import apache_beam as beam
from apache_beam.io.iobase import SDFBoundedSourceReader
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from beltline.beam_on_dask.internals import DoFnSignature

_SOURCE = f"{SDFBoundedSourceReader.__qualname__}."


class Refused(NotImplementedError):
    """The pipeline has something that the runner can't do; the message names it.

    Beam's own runners raise a NotImplementedError for the same.
    """


def check(pipeline: beam.Pipeline) -> None:
    """Checks that the runner can run every transform of a pipeline.

    Raises:
      Refused: it can't; the message names the transforms and why.
    """
    visitor = _Visitor()
    pipeline.visit(visitor)
    if visitor.found:
        raise Refused("the Dask runner can't run " + "; ".join(visitor.found))


class _Visitor(PipelineVisitor):
    def __init__(self) -> None:
        self.found: list[str] = []

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        self.visit_transform(transform_node)

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        transform = transform_node.transform
        reason = _of_dofn(transform.dofn) if isinstance(transform, beam.ParDo) else ""
        # What ends a pipeline, a PDone, is neither.
        made = transform_node.outputs.values()
        if not reason and not all(getattr(out, "is_bounded", True) for out in made):
            reason = "its output is unbounded"
        if reason:
            self.found.append(f"'{transform_node.full_label}': {reason}")


def _of_dofn(dofn: Any) -> str:
    signature = DoFnSignature(dofn)
    if signature.has_timers():
        return "its DoFn sets timers"
    if signature.is_stateful_dofn():
        return "its DoFn is stateful"
    if signature.is_splittable_dofn() and not type(dofn).__qualname__.startswith(_SOURCE):
        return "its DoFn is splittable, and not a bounded source"
    return ""
