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
