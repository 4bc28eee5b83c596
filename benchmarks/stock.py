"""Stock TFX on the Chicago taxi trips: the pipeline of its taxi template, as a process of its own.

    python -m benchmarks.stock --data FOLDER --root FOLDER --steps 200

The nodes, preprocessing, network, evaluation and constants are the template's (installed with TFX:
`tfx/experimental/templates/taxi`), on LocalDagRunner with a SQLite file. What differs, and why:

- The template's pipeline module leaves all nodes but ExampleGen commented out, for its reader to
  add one by one; here they are all there, ExampleValidator too.
- `preprocessing_fn` and `run_fn` are named where the installed template has them, not in a copy.
- `enable_cache`: the template has it commented out. With it a run that repeats another is faster.
- Steps and learning rate are parameters; the template's 1,000 steps are a constant.
- Beam's runner is named, the one that it ends up with here anyway: its default first tries to fetch
  another runner's program. With arguments TFX would pack itself up for remote workers before every
  Beam node, which it doesn't without; `--sdk_container_image` keeps it from that.
- The features are the three that the template begins with, so the network has less to do than
  Beltline's, which takes every column.
"""

from pathlib import Path
from typing import Any

import click

_NAME = "stock"
_BEAM_ARGS = [
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--sdk_container_image=none",
]
_TEMPLATE = "tfx.experimental.templates.taxi"


@click.command()
@click.option("--data", type=Path, required=True, help="The folder that holds the CSV file.")
@click.option("--root", type=Path, required=True, help="Where artifacts and metadata go.")
@click.option("--steps", default=200, help="Training steps.")
@click.option("--learning-rate", type=float, default=None, help="By default the template's.")
def main(data: Path, root: Path, steps: int, learning_rate: float | None) -> None:
    """Run the taxi template on the CSV file in a folder."""
    from tfx import v1 as tfx

    pipeline = tfx.dsl.Pipeline(
        pipeline_name=_NAME,
        pipeline_root=str(root / "artifacts"),
        components=_nodes(data, root, steps, learning_rate),
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.sqlite")
        ),
        beam_pipeline_args=_BEAM_ARGS,
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)


def _nodes(data: Path, root: Path, steps: int, learning_rate: float | None) -> list[Any]:
    from tfx import v1 as tfx
    from tfx.experimental.templates.taxi.models.keras_model import constants
    from tfx.experimental.templates.taxi.pipeline import configs

    from benchmarks.stock_model import LEARNING_RATE

    examples = tfx.components.CsvExampleGen(input_base=str(data))
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=f"{_TEMPLATE}.{configs.PREPROCESSING_FN}",
    )
    trainer = tfx.components.Trainer(
        run_fn="benchmarks.stock_model.run_fn",
        examples=transform.outputs["transformed_examples"],
        schema=schema.outputs["schema"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(num_steps=steps),
        eval_args=tfx.proto.EvalArgs(num_steps=configs.EVAL_NUM_STEPS),
        custom_config={LEARNING_RATE: learning_rate or constants.LEARNING_RATE},
    )
    data_and_model = [examples, statistics, schema, validator, transform, trainer]
    return [*data_and_model, *_release(examples, trainer, root)]


def _release(examples: Any, trainer: Any, root: Path) -> list[Any]:
    from tfx import v1 as tfx

    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = tfx.components.Evaluator(
        examples=examples.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=resolver.outputs["model"],
        eval_config=_eval_config(),
    )
    served = tfx.proto.PushDestination.Filesystem(base_directory=str(root / "served"))
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(filesystem=served),
    )
    return [resolver, evaluator, pusher]


def _eval_config() -> Any:
    import tensorflow_model_analysis as tfma
    from tfx.experimental.templates.taxi.pipeline import configs

    bound = {"value": configs.EVAL_ACCURACY_THRESHOLD}
    threshold = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(lower_bound=bound),
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -1e-10}
        ),
    )
    accuracy = tfma.MetricConfig(class_name="BinaryAccuracy", threshold=threshold)
    model = tfma.ModelSpec(
        signature_name="serving_default",
        label_key="tips_xf",
        preprocessing_function_names=["transform_features"],
    )
    return tfma.EvalConfig(
        model_specs=[model],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[tfma.MetricsSpec(metrics=[accuracy])],
    )


if __name__ == "__main__":
    main()
