"""Which pods Argo starts again: its defaults override the retry policy of a package.

A failed node is run again within its pod: Argo is only to replace pods that are deleted or evicted.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from beltline.runners.checks.finding import CheckSkipped, Problem

CONFIG_MAP = "workflow-controller-configmap"
# Argo's default where a strategy names no policy.
_UNNAMED = "OnFailure"
_REPLACES = ("OnError", "OnTransientError")


def check(config_map: Any) -> str:
    """Checks the default retry strategy of Argo's controller.

    Args:
      config_map: the ConfigMap of the controller; None if there is none.

    Raises:
      Problem: tasks are started again around their pods, too.
      CheckSkipped: there is no such ConfigMap, or it can't be parsed.
    """
    if config_map is None:
        raise CheckSkipped(f"ConfigMap '{CONFIG_MAP}' not found in Kubeflow's namespace")
    try:
        settings = {name: yaml.safe_load(text) for name, text in (config_map.data or {}).items()}
    except yaml.YAMLError:
        raise CheckSkipped(f"ConfigMap '{CONFIG_MAP}' is not YAML") from None
    policies = list(_policies(settings))
    for policy in policies:
        if policy not in _REPLACES:
            raise Problem(
                f"Argo's default retry strategy is {policy}: it starts whole tasks again, each "
                "with all its attempts",
                f"set `retryPolicy: OnError` in the ConfigMap '{CONFIG_MAP}', or remove "
                "`templateDefaults`",
            )
    if policies:
        return f"{policies[0]}: pods that are deleted or evicted are started again"
    return "no default of Argo's: the package's policy"


def _policies(settings: Any) -> Iterator[str]:
    """Yields the policy of every default strategy, wherever a version of Argo has them."""
    if isinstance(settings, list):
        for each in settings:
            yield from _policies(each)
    if not isinstance(settings, dict):
        return
    for name, value in settings.items():
        if name == "templateDefaults" and isinstance(value, dict):
            if strategy := value.get("retryStrategy"):
                yield str(strategy.get("retryPolicy", _UNNAMED))
        else:
            yield from _policies(value)
