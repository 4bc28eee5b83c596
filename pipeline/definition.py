"""The one definition: TFX's pipeline from the settings, the same for every runner.

To add a node, make its component here, put it into the list that `create_pipeline` returns, and
say in `nodes.py` what it does and which part of the pipeline it belongs to.
"""

import json
from typing import Any

from tfx.components import ExampleValidator
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import BaseChannel, standard_component_specs
from tfx.types.channel_utils import union

from beltline.pipeline.components.bulk_inferrer import BulkInferrer
from beltline.pipeline.components.curated_schema import CuratedSchema
from beltline.pipeline.components.data_gate import DataGate
from beltline.pipeline.components.evaluator import Evaluator
from beltline.pipeline.components.example_gen import ExampleGen
from beltline.pipeline.components.pusher import Pusher
from beltline.pipeline.components.refit_check import RefitCheck
from beltline.pipeline.components.serving_check import ServingCheck
from beltline.pipeline.components.statistics_gen import StatisticsGen
from beltline.pipeline.components.trainer import Trainer
from beltline.pipeline.components.transform import Transform
from beltline.pipeline.components.tuner import BEST, Tuner
from beltline.pipeline.engine import BEAM_ARGS
from beltline.pipeline.evaluation.config import deciding_metric, eval_config
from beltline.pipeline.feature_spec import FeatureSpec
from beltline.pipeline.parameters import (
    DATA_PATH,
    PREDICT_SPAN,
    SPAN,
    STEPS,
    RuntimeParameters,
    runtime_parameters,
)
from beltline.pipeline.resolved import ResolvedProject
from beltline.pipeline.resolvers import tuned
from beltline.pipeline.resolvers.champion import CHANNELS, LiveModel
from beltline.pipeline.settings.settings import Settings
from beltline.pipeline.tables.sources import Source


def create_pipeline(resolved: ResolvedProject) -> Pipeline:
    """Returns TFX's pipeline of a project."""
    settings, features = resolved.settings, resolved.features
    # Read by `beltline.models.config`.
    config = {
        "code_digest": resolved.model_digest,
        "features": features.for_models(settings),
        "model": settings.model.model_dump(),
        # Whether the model is trained once more is no part of what is trained.
        "training": {**settings.training.model_dump(exclude={"refit"}), "folds": settings.folds},
        "tuning": {**settings.tuning.model_dump(), "values": settings.tunable},
    }
    values = runtime_parameters(settings)
    data = _data_nodes(settings, features, resolved.schema_text, values)
    problem = features.problem(settings, inputs_only=True)
    model, refit = _model_nodes(settings, config, problem, values, data)
    release = _release_nodes(resolved, data, model[-1], refit)
    predictions = _prediction_nodes(settings, values, release[-1])
    return Pipeline(
        pipeline_name=settings.name,
        pipeline_root="",
        components=[*data, *model, *release, *predictions],
        enable_cache=True,
        beam_pipeline_args=BEAM_ARGS,
    )


def _data_nodes(
    settings: Settings, features: FeatureSpec, schema_text: str, values: RuntimeParameters
) -> list[BaseNode]:
    label = settings.label.column
    examples = ExampleGen(
        path=values.get(DATA_PATH, ""),
        query=settings.data.query or "",
        changed_by=settings.data.changed_by or "",
        span=values.get(SPAN, settings.data.span),
        kinds=features.kinds,
        exclude=settings.unread,
        splits=settings.data.splits.model_dump(),
        split_by=settings.data.split_column,
        time_gap=settings.data.time_gap,
        stratify_by=label if settings.data.stratify else None,
        drop_without=label if settings.data.unlabelled == "drop" else None,
        unreadable=settings.data.unreadable,
    )
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = CuratedSchema(schema_text).with_id("Schema")
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    gate = DataGate(
        statistics=statistics.outputs["statistics"],
        anomalies=validator.outputs["anomalies"],
        label=label,
        classes=len(features.classes),
    )
    return [examples, statistics, schema, validator, gate]


def _model_nodes(
    settings: Settings,
    config: dict[str, Any],
    problem: str,
    values: RuntimeParameters,
    data: list[BaseNode],
) -> tuple[list[BaseNode], Trainer | None]:
    """Returns the nodes, the Trainer last, and the one that trains once more on all rows."""
    examples, _, schema, _, gate = data
    # The eval split stays raw: the Evaluator asks the exported model, as a client would.
    splits = ["train", "validation", *(["eval"] if settings.refits else [])]
    transform = Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=settings.model.preprocessing_fn,
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=splits),
        custom_config=_for_transform(config),
    )
    learning: dict[str, Any] = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "schema": schema.outputs["schema"],
        "eval_args": trainer_pb2.EvalArgs(splits=["validation"]),
    }
    judged = {"train_args": trainer_pb2.TrainArgs(splits=["train"])}
    tuning, best = _tuning_nodes(settings, config, problem, learning | judged)
    if best:
        learning["hyperparameters"] = best
    learning["run_fn"] = settings.model.run_fn
    # It does not depend on how they were found.
    learning["custom_config"] = {name: config[name] for name in config if name != "tuning"}
    trainer = Trainer(steps=values[STEPS], **learning, **judged)
    for node in (*tuning[-1:], trainer):
        node.add_upstream_node(gate)
    refit = None
    if settings.refits:
        # As long as the judged one, which the steps have limited.
        every = trainer_pb2.TrainArgs(splits=splits)
        refit = Trainer(
            steps=0, **learning, train_args=every, base_model=trainer.outputs["model"]
        ).with_id("Refit")
    return [transform, *tuning, trainer], refit


def _tuning_nodes(
    settings: Settings, config: dict[str, Any], problem: str, learning: dict[str, Any]
) -> tuple[list[BaseNode], BaseChannel | None]:
    """Returns the nodes, the Tuner last, and what the Trainer learns with."""
    if settings.tuning.when == "never":
        return [], None
    # Hyperparameters of another network, or of trees, can't be used.
    searched = {**_learning(settings), **json.loads(problem)}
    arguments = {
        "tuner_fn": settings.model.tuner_fn,
        "custom_config": config,
        "problem": json.dumps(searched, sort_keys=True),
        **learning,
    }
    if settings.tuning.when == "always":
        tuner = Tuner(**arguments)
        return [tuner], tuner.outputs[BEST]
    before = Resolver(
        strategy_class=tuned.LastTuned, config={"problem": arguments["problem"]}, **tuned.CHANNELS
    ).with_id("Tuned")
    tuner = Tuner(**arguments, tuned=before.outputs[tuned.TUNED])
    # One of them is empty.
    return [before, tuner], union([before.outputs[tuned.TUNED], tuner.outputs[BEST]])


def _learning(settings: Settings) -> dict[str, Any]:
    model = settings.model
    network = {"network_fn": model.network_fn} if "network" in model.learners else {}
    trees = {"learners": sorted(model.learners)} if model.has_trees else {}
    return network | trees


def _for_transform(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the part that preprocessing depends on: a new learning rate must not rerun it."""
    return {"code_digest": config["code_digest"], "features": config["features"]}


def _release_nodes(
    resolved: ResolvedProject, data: list[BaseNode], trainer: BaseNode, refit: BaseNode | None
) -> list[BaseNode]:
    settings, features = resolved.settings, resolved.features
    examples, statistics, schema, *_ = data
    pushed_to = {"directory": settings.push.directory, "name": settings.name}
    champion = Resolver(
        strategy_class=LiveModel,
        config={"problem": features.problem(settings), **pushed_to},
        **CHANNELS,
    ).with_id("Champion")
    compared = settings.evaluation.champion.enabled
    baseline = champion.outputs["model"] if compared else None
    evaluator = Evaluator(
        examples=examples.outputs["examples"],
        example_splits=["eval"],
        model=trainer.outputs["model"],
        baseline_model=baseline,
        eval_config=eval_config(settings),
        metric=deciding_metric(settings),
        importance_rows=settings.evaluation.importance_rows,
    )
    checked = {
        "examples": examples.outputs["examples"],
        "split": "eval",
        "rows": settings.push.check_rows,
    }
    check = ServingCheck(model=trainer.outputs["model"], **checked)
    refitted: list[BaseNode] = []
    if refit:
        # Not by the blessings, which are new artifacts wherever there is another champion.
        for gate in (evaluator, check):
            refit.add_upstream_node(gate)
        judge = RefitCheck(
            model=refit.outputs["model"],
            judged_model=trainer.outputs["model"],
            eval_config=eval_config(settings),
            **checked,
        )
        refitted = [refit, judge]
    pusher = Pusher(
        **pushed_to,
        keep=settings.push.keep,
        approval=settings.push.approval,
        code=resolved.model_digest,
        problem=features.problem(settings, inputs_only=True),
        unread=features.unread(settings),
        model=(refit or trainer).outputs["model"],
        judged_model=trainer.outputs["model"] if refit else None,
        model_blessing=evaluator.outputs[standard_component_specs.BLESSING_KEY],
        infra_blessing=check.outputs["blessing"],
        refit_blessing=refitted[-1].outputs["blessing"] if refit else None,
        evaluation=evaluator.outputs[standard_component_specs.EVALUATION_KEY],
        examples=examples.outputs["examples"],
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        champion=baseline,
    )
    return [*([champion] if compared else []), evaluator, check, *refitted, pusher]


def _prediction_nodes(
    settings: Settings, values: RuntimeParameters, pusher: BaseNode
) -> list[BaseNode]:
    wanted = settings.predict
    if wanted is None:
        return []
    inferrer = BulkInferrer(
        rows=Source.of(wanted),
        span=values.get(PREDICT_SPAN, wanted.span),
        keep=wanted.keep,
        output=wanted.output,
        directory=settings.push.directory,
        name=settings.name,
    )
    # Not by an artifact: where nothing was pushed, it predicts with the version that is live.
    inferrer.add_upstream_node(pusher)
    return [inferrer]
