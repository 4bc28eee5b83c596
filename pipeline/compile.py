"""Compiles settings, definition and model code into a bundle."""

from pathlib import Path

from tfx.dsl.compiler import compiler
from tfx.proto.orchestration import pipeline_pb2

from beltline.bundle import code, environment, folder, manifest
from beltline.bundle.folder import Bundle
from beltline.pipeline.definition import create_pipeline
from beltline.pipeline.nodes import ABOUT
from beltline.pipeline.parameters import parameters
from beltline.pipeline.resolved import ResolvedProject
from beltline.pipeline.settings.settings import Settings


def compile_bundle(resolved: ResolvedProject, parent: Path) -> Bundle:
    """Writes the bundle of a project below `parent`, unless it exists already."""
    pipeline = compiler.Compiler().compile(create_pipeline(resolved))
    _set_caching(pipeline)
    _make_repeatable(pipeline)
    return folder.write(
        parent,
        _manifest(resolved.settings, pipeline, resolved.model_digest),
        pipeline.SerializeToString(deterministic=True),
        code.archive(resolved.model_sources),
    )


def _set_caching(pipeline: pipeline_pb2.Pipeline) -> None:
    for node in pipeline.nodes:
        inner = node.pipeline_node
        options = inner.execution_options.caching_options
        options.enable_cache = ABOUT[inner.node_info.id].cached


def _make_repeatable(pipeline: pipeline_pb2.Pipeline) -> None:
    """Packs the deployment again: protobuf orders a map by chance, unless it is told otherwise."""
    deployment = pipeline_pb2.IntermediateDeploymentConfig()
    pipeline.deployment_config.Unpack(deployment)
    pipeline.deployment_config.Pack(deployment, deterministic=True)


def _manifest(
    settings: Settings, pipeline: pipeline_pb2.Pipeline, digest: str
) -> manifest.Manifest:
    # As a reader expects it, which is also an order in which they can run.
    order = list(ABOUT)
    nodes = [_node(settings, node.pipeline_node) for node in pipeline.nodes]
    return manifest.Manifest(
        name=settings.name,
        version=environment.VERSION,
        digest="",
        code=digest,
        lock=environment.lock_digest(),
        nodes=tuple(sorted(nodes, key=lambda node: order.index(node.id))),
        parameters=parameters(settings),
        push=settings.push.directory,
    )


def _node(settings: Settings, node: pipeline_pb2.PipelineNode) -> manifest.Node:
    about = ABOUT[node.node_info.id]
    wanted = settings.resources_of(node.node_info.id)
    return manifest.Node(
        id=node.node_info.id,
        role=about.role,
        does=about.does,
        gate=about.gate,
        after_skipped=about.after_skipped,
        upstream=tuple(sorted(node.upstream_nodes)),
        resources=manifest.Resources(**wanted.model_dump()) if wanted else manifest.Resources(),
    )
