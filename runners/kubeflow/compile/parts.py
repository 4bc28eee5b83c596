"""The tasks of packages: those that run a bundle, and the one that monitors its model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import dsl

from beltline.base.settings.beam import Beam
from beltline.base.settings.kubeflow import Kubeflow
from beltline.base.settings.tracking import Tracking
from beltline.bundle.manifest import Manifest
from beltline.runners.kubeflow.compile.components import Channels, component
from beltline.runners.kubeflow.compile.pods import PodSetup
from beltline.runners.kubeflow.tasks import FORCE, parameter_name
from beltline.runners.pods.groups import Group, grouped

TYPES = {"string": str, "integer": int}
# What the monitoring writes if an alarm was raised.
YES = "yes"
_RUN, _ALARM = "run_id", "alarm"
_RUN_ID = {_RUN: dsl.PIPELINE_JOB_ID_PLACEHOLDER}


@dataclass(frozen=True)
class Parts:
    """Creates tasks; each method is called within a pipeline function.

    `kubeflow`, `beam`, `tracking` and `artifacts` are the settings'; `text` is the bundle as text
    in the package, None if it is on the volume.
    """

    manifest: Manifest
    kubeflow: Kubeflow
    text: str | None
    beam: Beam
    tracking: Tracking
    artifacts: str | None = None

    def nodes(self, channels: Channels) -> None:
        """Creates a task for each group of nodes; `channels` are the run's parameters."""
        made: dict[str, dsl.PipelineTask] = {}
        first = [self._unpack(self.text)] if self.text else []
        for group in grouped(self.manifest, self.kubeflow.groups, "kubeflow.groups"):
            task = self._group(group)(**_RUN_ID, **channels)
            self._pods.group(task, group)
            task.after(*([made[each] for each in group.upstream] or first))
            made[group.name] = task

    def report(self, monitored: bool = False) -> dsl.PipelineTask:
        """Returns the exit task; `monitored` tells that the nodes run only on an alarm."""
        words = ["--bundle", bundle_path(self.manifest, self.kubeflow), "--run"]
        more = ["--monitored"] if monitored else []
        make = component(
            *("report", "beltline.runners.kubeflow.pod.report", {_RUN: str}),
            lambda values: [*words, values[_RUN], *more],
            self._image,
        )
        task = make(**_RUN_ID)
        self._pods.report(task)
        return task

    def monitor(self, monitoring: dict[str, Any]) -> Any:
        """Creates the monitoring task; returns the channel of its output `alarm`."""
        name = self.manifest.name
        watch = json.dumps(monitoring, sort_keys=True)
        words = [
            *("--served", f"{self.manifest.push}/{name}", f"--watch={watch}"),
            *("--pause-hours", str(self.kubeflow.retrain_pause_hours)),
        ]
        make = component(
            *(
                "monitor",
                "beltline.runners.monitor",
                {_RUN: str, _ALARM: dsl.OutputPath(str)},
            ),
            lambda values: [*words, "--run", values[_RUN], "--alarm", values[_ALARM]],
            self._image,
        )
        task = make(**_RUN_ID)
        self._pods.monitor(task)
        return task.outputs[_ALARM]

    def _attempts(self) -> list[str]:
        kubeflow = self.kubeflow
        limit = ["--limit", str(kubeflow.timeout_minutes * 60)]
        asked = (kubeflow.retries, kubeflow.retry_delay_seconds)
        return [*limit, "--attempts", *map(str, asked)]

    @property
    def _image(self) -> str:
        # `package.check` refuses a section without one.
        return self.kubeflow.image or ""

    @property
    def _pods(self) -> PodSetup:
        name = self.manifest.name
        return PodSetup(self.kubeflow, name, self.beam, self.tracking, self.artifacts)

    def _group(self, group: Group) -> Any:
        known = self.manifest.parameters
        inputs: dict[str, type] = {_RUN: str}
        inputs |= {parameter_name(name): TYPES[each.type] for name, each in known.items()}
        words = ["--bundle", bundle_path(self.manifest, self.kubeflow)]
        words += [word for node in group.nodes for word in ("--node", node.id)]
        words += [*self._attempts(), "--run"]

        def arguments(values: Channels) -> list[Any]:
            given = [f"{name}={values[parameter_name(name)]}" for name in known]
            parameters = [word for each in given for word in ("--param", each)]
            return [*words, values[_RUN], *parameters, f"--force={values[FORCE]}"]

        module, image = "beltline.runners.pods.task", self._image
        return component(group.name, module, {**inputs, FORCE: str}, arguments, image)

    def _unpack(self, text: str) -> dsl.PipelineTask:
        path = Path(bundle_path(self.manifest, self.kubeflow))
        words = ["--bundles", str(path.parent), "--bundle", path.name, text]
        module, image = "beltline.runners.kubeflow.pod.unpack", self._image
        task = component("unpack", module, {}, lambda _: words, image)()
        self._pods.unpack(task)
        return task


def bundle_path(manifest: Manifest, kubeflow: Kubeflow) -> str:
    """Returns the path of the bundle in a pod."""
    return f"{kubeflow.mount_path}/bundles/{manifest.digest[:16]}"
