"""Trainer: TFX's own, with the most training steps as an execution property of its own.

A runtime parameter can't stand inside the stock Trainer's `train_args` or `custom_config`: each of
them is one text. It also gives the `run_fn` a folder that outlives the execution, for checkpoints,
what starts processes that train together, and with a `base_model` no rows to evaluate on: a refit
learns from all of them.
"""

from contextlib import ExitStack
from typing import Any

from tfx import types
from tfx.components.trainer import component as stock
from tfx.components.trainer import executor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import executor_spec
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils
from tfx.types.standard_component_specs import BASE_MODEL_KEY, MODEL_RUN_KEY, TRAIN_ARGS_KEY
from tfx.utils import proto_utils

from beltline.base import together
from beltline.pipeline.components import digest_of_sources

STEPS = "steps"


class Executor(executor.GenericExecutor):
    """Hands the steps to the `run_fn` as `fn_args.train_steps`, and the node's own folder for
    checkpoints, `<pipeline root>/<node>/checkpoints`, as `fn_args.working_dir`, and as
    `fn_args.processes(number, factory)` what returns those of `base.together` that end with it.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains as TFX's executor does."""
        train_args = trainer_pb2.TrainArgs()
        proto_utils.json_to_proto(exec_properties[TRAIN_ARGS_KEY], train_args)
        train_args.num_steps = exec_properties[STEPS]
        with_steps = {**exec_properties, TRAIN_ARGS_KEY: proto_utils.proto_to_json(train_args)}
        with ExitStack() as self._open:
            super().Do(input_dict, output_dict, with_steps)

    def _GetFnArgs(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> FnArgs:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        # An output's folder is `<pipeline root>/<node>/<output>/<execution>`.
        output = artifact_utils.get_single_uri(output_dict[MODEL_RUN_KEY]).rstrip("/")
        fn_args.working_dir = f"{output.rsplit('/', 2)[0]}/checkpoints"
        if input_dict.get(BASE_MODEL_KEY):
            # TFX takes no split for the eval split.
            fn_args.eval_files = []
        fn_args.processes = self._processes
        return fn_args

    def _processes(self, number: int, factory: str) -> together.Processes:
        return self._open.enter_context(together.processes(number, factory))


class Trainer(stock.Trainer):
    """TFX's Trainer with the executor above.

    Args:
      steps: most training steps, a number or a runtime parameter; at 0 the `run_fn` decides.
      arguments: the stock Trainer's.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, steps: Any, **arguments: Any):
        super().__init__(**arguments)
        # The stock specification has no place for these.
        self.spec.exec_properties[STEPS] = steps
        self.spec.exec_properties["code_digest"] = digest_of_sources()
