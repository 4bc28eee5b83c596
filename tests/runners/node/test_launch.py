"""What we override of TFX's Launcher, which TFX does not promise to keep."""

import inspect

import pytest

pytestmark = pytest.mark.slow  # TFX takes seconds to import.


def test_tfx_still_calls_the_private_method_that_we_override() -> None:
    from tfx.orchestration.portable import launcher

    from beltline.runners.node.launch import _Launcher

    name = "_register_or_reuse_execution"
    theirs = getattr(launcher.Launcher, name, None)
    assert theirs, f"TFX's Launcher has no {name} any more: see runners/node/launch.py"
    ours = getattr(_Launcher, name)
    told = f"TFX's {name} takes other arguments: see runners/node/launch.py"
    assert [*inspect.signature(theirs).parameters] == [*inspect.signature(ours).parameters], told
    caller = inspect.getsource(launcher.Launcher._prepare_execution)
    assert f"self.{name}(" in caller, f"TFX's Launcher no longer calls {name}"


def test_tfx_reads_the_beam_arguments_that_we_put_in_place_of_the_bundles() -> None:
    from tfx.orchestration.portable import beam_executor_operator
    from tfx.proto.orchestration import executable_spec_pb2

    from beltline.runners.node.launch import _replace_arguments

    spec = executable_spec_pb2.BeamExecutableSpec()
    spec.python_executor_spec.class_path = "tfx.components.StatisticsGen"
    spec.beam_pipeline_args_placeholders.add().value.string_value = "--runner=DirectRunner"
    _replace_arguments(spec, ["--runner=Other", "--dask_scheduler=tcp://127.0.0.1:8786"])
    read = beam_executor_operator.BeamExecutorOperator(spec).beam_pipeline_args
    values = [each.value.string_value for each in read]
    assert values == ["--runner=Other", "--dask_scheduler=tcp://127.0.0.1:8786"]


def test_a_result_is_cached_by_the_bundles_arguments_whatever_replaces_them() -> None:
    from tfx.orchestration.portable import launcher

    prepared = inspect.getsource(launcher.Launcher._prepare_execution)
    assert "executor_spec=self._executor_spec" in prepared
    begun = inspect.getsource(launcher.Launcher.__init__)
    assert "executor_spec=executor_spec, platform_config" in begun
    executed = inspect.getsource(launcher.Launcher._run_executor)
    assert "self._executor_operator." in executed
    assert "_executor_spec" not in executed
