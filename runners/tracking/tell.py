"""Calls the tools that the settings name; none of them can make a run fail."""

import importlib
import os
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any

from beltline.base.settings.tracking import Tracking
from beltline.bundle.manifest import Manifest
from beltline.runners.paths import WEBHOOK, Paths
from beltline.runners.result import RunResult
from beltline.runners.tracking.ended import EndedRun, ended_run
from beltline.runners.tracking.failures import safely

TOOLS = ("webhook", "prometheus", "mlflow")


def tell(
    paths: Paths, manifest: Manifest, result: RunResult, of: Collection[str] = TOOLS
) -> list[str]:
    """Tells every tool of a run that has ended; returns what went wrong, a sentence for each tool.

    Args:
      paths: the root, ML Metadata, and the section `tracking`.
      manifest: the bundle's manifest.
      result: how the run ended.
      of: the tools that are told, if the settings name them.
    """
    if not (tools := [tool for tool in wanted(paths.tracking) if tool in of]):
        return []
    read = cache(lambda: ended_run(paths, manifest, result))
    told = f"run {result.run}"
    return [
        problem
        for tool in tools
        for problem in safely(f"tracking.{tool}", told, partial(_track, tool, read, paths.tracking))
    ]


def _track(tool: str, read: Callable[[], EndedRun], tracking: Tracking) -> None:
    module: Any = importlib.import_module(f"beltline.runners.tracking.{tool}")
    module.track(read(), tracking)


def wanted(tracking: Tracking) -> list[str]:
    """Returns the tools that the settings, or for a webhook the environment, name."""
    named = {tool for tool in TOOLS if getattr(tracking, tool) is not None}
    by_environment = {"webhook"} if os.environ.get(WEBHOOK) else set()
    return [tool for tool in TOOLS if tool in named | by_environment]
