"""What we use of libraries beyond their public API is still there, and takes what we pass.

A failure here names the module to change after an upgrade.
"""

import inspect

import pytest
from tensorflow_model_analysis.extractors import slice_key_extractor, unbatch_extractor
from tensorflow_model_analysis.metrics import calibration_histogram, metric_util
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_transform import impl_helper
from tfx.components.trainer import executor as trainer
from tfx.components.transform import executor as transform
from tfx.components.transform import executor_utils
from tfx.dsl.compiler import compiler
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx_bsl.tfxio import record_based_tfxio

# Owner, name, its parameters, and the module of ours that uses it.
USED = [
    (BaseBeamExecutor, "_make_beam_pipeline", ["self"], "components/private_api.py"),
    (BaseBeamExecutor, "_get_tmp_dir", ["self"], "components/examples/executor.py"),
    (
        transform.Executor,
        "_GetPreprocessingFn",
        ["self", "inputs", "unused_outputs"],
        "components/private_api.py",
    ),
    (impl_helper, "make_tensor_to_arrow_converter", ["schema"], "components/private_api.py"),
    (
        trainer.GenericExecutor,
        "_GetFnArgs",
        ["self", "input_dict", "output_dict", "exec_properties"],
        "components/trainer.py",
    ),
    (
        executor_utils,
        "ResolveSplitsConfig",
        ["splits_config_str", "examples"],
        "components/transform.py",
    ),
    (
        executor_utils,
        "SetSplitNames",
        ["splits", "transformed_examples"],
        "components/transform.py",
    ),
    (
        record_based_tfxio,
        "AppendRawRecordColumn",
        ["record_batch", "column_name", "raw_records", "record_index_column_name"],
        "components/record_files.py",
    ),
    (slicer_lib, "slice_keys_to_numpy_array", ["slice_keys"], "components/slices.py"),
    (
        metric_util,
        "merge_per_key_computations",
        ["create_computations_fn"],
        "evaluation/metrics.py",
    ),
    (compiler.Compiler, "compile", ["self", "tfx_pipeline"], "compile.py"),
]


@pytest.mark.parametrize(("owner", "name", "parameters", "user"), USED)
def test_a_function_that_we_use_takes_what_we_pass(owner, name, parameters, user) -> None:
    found = getattr(owner, name, None)
    assert found is not None, f"{owner.__name__} has no {name} any more: change pipeline/{user}"
    given = list(inspect.signature(found).parameters)
    assert given[: len(parameters)] == parameters, (
        f"{owner.__name__}.{name} takes {given}, not {parameters}: change pipeline/{user}"
    )


@pytest.mark.parametrize(
    ("owner", "name", "user"),
    [
        (unbatch_extractor, "UNBATCH_EXTRACTOR_STAGE_NAME", "components/slices.py"),
        (slice_key_extractor, "SLICE_KEY_EXTRACTOR_STAGE_NAME", "components/slices.py"),
        (calibration_histogram, "DEFAULT_NUM_BUCKETS", "evaluation/metrics.py"),
    ],
)
def test_a_constant_that_we_use_is_there(owner, name, user) -> None:
    assert hasattr(owner, name), f"{owner.__name__} has no {name} any more: change pipeline/{user}"


def test_tfx_still_calls_the_method_that_our_trainer_overrides() -> None:
    source = inspect.getsource(trainer.GenericExecutor.Do)
    assert "self._GetFnArgs(" in source, (
        "TFX's Trainer no longer calls _GetFnArgs, so the run_fn would get no folder for its "
        "checkpoints: change pipeline/components/trainer.py"
    )
