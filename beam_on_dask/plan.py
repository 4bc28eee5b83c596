"""A pipeline as stages: which bundles run, what they read and write, in an order that works.

Beam's own translation fuses, lifts combiners and expands sources. Only Reshuffle is ours: Beam
would draw random keys, and a bundle that is run again after a worker's death would deal its
elements out anew, of which the others have taken their share already.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from beltline.beam_on_dask.internals import (
    beam_fn_api_pb2,
    beam_runner_api_pb2,
    bundle_processor,
    common_urns,
    proto_utils,
    translations,
)

IMPULSE = "impulse"
GROUP, RESHUFFLE, MATERIALIZE = "group", "reshuffle", "materialize"
_RESHUFFLE_URN = common_urns.composites.RESHUFFLE.urn


@dataclass(frozen=True)
class Coding:
    """How elements are written and read: ids of windowed coders in the stage's descriptor.

    `windowing` is the id of the windowing strategy.
    """

    written: str
    read: str
    windowing: str


@dataclass(frozen=True)
class Output:
    """Where a stage writes: `kind` says how elements are distributed."""

    buffer: str
    kind: str
    coding: Coding


@dataclass(frozen=True)
class SideInput:
    """A PCollection that a transform of a stage reads as a whole."""

    transform: str
    tag: str
    buffer: str
    coder: str
    access: str


@dataclass(frozen=True)
class PlannedStage:
    """Fused transforms: what a bundle runs, by Beam's descriptor of it.

    `inputs` and `outputs` are by the id of the reading or writing transform. A safe coder leaves as
    bytes what the runner need not understand.
    """

    number: int
    name: str
    descriptor: bytes
    safe_coders: dict[str, str]
    inputs: dict[str, str]
    outputs: dict[str, Output]
    sides: tuple[SideInput, ...]

    @property
    def label(self) -> str:
        """The last of the fused transforms that is not the runner's own, for people."""
        names = [each.strip("()") for each in self.name.split(")+(")]
        own = [each for each in names if not each.endswith(("/Read", "/Write"))]
        return (own or names)[-1].replace("ref_AppliedPTransform_", "")[:60]


def plan(pipeline: beam_runner_api_pb2.Pipeline) -> list[PlannedStage]:
    """Returns the stages of a pipeline, each after those that it reads from."""
    context, stages = translations.create_and_optimize_stages(
        copy.deepcopy(pipeline),
        phases=[
            translations.annotate_downstream_side_inputs,
            translations.fix_side_input_pcoll_coders,
            translations.pack_combiners,
            translations.lift_combiners,
            translations.expand_sdf,
            translations.expand_gbk,
            _expand_reshuffle,
            translations.sink_flattens,
            translations.greedily_fuse,
            translations.read_to_impulse,
            translations.impulse_to_input,
            translations.sort_stages,
            translations.add_impulse_to_dangling_transforms,
            translations.populate_data_channel_coders,
        ],
        known_runner_urns=frozenset(
            [
                common_urns.primitives.FLATTEN.urn,
                common_urns.primitives.GROUP_BY_KEY.urn,
                _RESHUFFLE_URN,
            ]
        ),
    )
    return [_Planner(context).stage(number, stage) for number, stage in enumerate(stages)]


def _expand_reshuffle(stages: Iterable[Any], context: Any) -> Iterator[Any]:
    """Makes each Reshuffle a write and a read, as Beam's `expand_gbk` does with a GroupByKey."""
    for stage in stages:
        transform = translations.only_transform(stage.transforms)
        if transform.spec.urn != _RESHUFFLE_URN:
            yield stage
            continue
        for pcoll in (*transform.inputs.values(), *transform.outputs.values()):
            context.length_prefix_pcoll_coders(pcoll)
        name = translations.unique_name(context.components.transforms, stage.name)
        context.components.transforms[name].CopyFrom(transform)
        buffer = translations.create_buffer_id(name, kind=RESHUFFLE)
        write = translations.Stage(
            f"{transform.unique_name}/Write",
            [_port(f"{transform.unique_name}/Write", True, transform.inputs, buffer)],
            downstream_side_inputs=frozenset(),
            must_follow=stage.must_follow,
        )
        yield write
        yield translations.Stage(
            f"{transform.unique_name}/Read",
            [_port(f"{transform.unique_name}/Read", False, transform.outputs, buffer)],
            downstream_side_inputs=stage.downstream_side_inputs,
            must_follow=translations.union(frozenset([write]), stage.must_follow),
        )


def _port(name: str, writes: bool, pcolls: Any, buffer: bytes) -> Any:
    urn = bundle_processor.DATA_OUTPUT_URN if writes else bundle_processor.DATA_INPUT_URN
    spec = beam_runner_api_pb2.FunctionSpec(urn=urn, payload=buffer)
    ends = {"inputs" if writes else "outputs": dict(pcolls)}
    return beam_runner_api_pb2.PTransform(unique_name=name, spec=spec, **ends)


class _Planner:
    """Turns Beam's stages into ours; `context` is what Beam's translation has left."""

    def __init__(self, context: Any):
        self._context = context
        self._components = context.components

    def stage(self, number: int, stage: Any) -> PlannedStage:
        inputs: dict[str, str] = {}
        outputs: dict[str, Output] = {}
        sides: list[SideInput] = []
        transforms: dict[str, Any] = {}
        for transform in stage.transforms:
            copied = copy.deepcopy(transform)
            if transform.spec.urn == bundle_processor.DATA_INPUT_URN:
                impulse = transform.spec.payload == translations.IMPULSE_BUFFER
                inputs[transform.unique_name] = (
                    IMPULSE if impulse else transform.spec.payload.decode()
                )
                self._connect(copied, transform.outputs)
            elif transform.spec.urn == bundle_processor.DATA_OUTPUT_URN:
                outputs[transform.unique_name] = self._output(transform)
                self._connect(copied, transform.inputs)
            elif transform.spec.urn in translations.PAR_DO_URNS:
                sides += self._sides(transform)
            transforms[transform.unique_name] = copied
        descriptor = self._descriptor(str(number), transforms)
        return PlannedStage(
            number,
            stage.name,
            descriptor,
            dict(self._context.safe_coders),
            inputs,
            outputs,
            tuple(sides),
        )

    def _descriptor(self, name: str, transforms: dict[str, Any]) -> bytes:
        used = {
            pcoll
            for transform in transforms.values()
            for pcoll in (*transform.inputs.values(), *transform.outputs.values())
        }
        components = self._components
        descriptor = beam_fn_api_pb2.ProcessBundleDescriptor(
            id=name,
            transforms=transforms,
            pcollections={pcoll: components.pcollections[pcoll] for pcoll in used},
            coders=dict(components.coders),
            windowing_strategies=dict(components.windowing_strategies),
            environments=dict(components.environments),
        )
        return bytes(descriptor.SerializeToString())

    def _connect(self, port: Any, pcolls: Any) -> None:
        pcoll = translations.only_element(pcolls.values())
        coder = self._context.data_channel_coders[pcoll]
        port.spec.payload = beam_fn_api_pb2.RemoteGrpcPort(coder_id=coder).SerializeToString()

    def _coder(self, pcoll: str) -> str:
        coder: str = self._context.data_channel_coders[pcoll]
        return coder

    def _output(self, transform: Any) -> Output:
        buffer = transform.spec.payload.decode()
        kind, name = translations.split_buffer_id(transform.spec.payload)
        written = translations.only_element(transform.inputs.values())
        if kind == MATERIALIZE:
            return Output(buffer, kind, self._coding(written, written))
        original = self._components.transforms[name]
        read = translations.only_element(original.outputs.values())
        return Output(buffer, kind, self._coding(written, read))

    def _coding(self, written: str, read: str) -> Coding:
        # Nobody may read it.
        read = read if read in self._context.data_channel_coders else written
        windowing = self._components.pcollections[written].windowing_strategy_id
        return Coding(self._coder(written), self._coder(read), windowing)

    def _sides(self, transform: Any) -> Iterator[SideInput]:
        payload = proto_utils.parse_Bytes(transform.spec.payload, beam_runner_api_pb2.ParDoPayload)
        for tag, spec in payload.side_inputs.items():
            pcoll = transform.inputs[tag]
            yield SideInput(
                transform.unique_name,
                tag,
                translations.create_buffer_id(pcoll).decode(),
                self._coder(pcoll),
                spec.access_pattern.urn,
            )
