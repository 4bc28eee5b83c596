"""The casting pipeline for a Kubeflow that `make test-kubeflow` has put on a cluster of its own."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv
import pytest

from beltline.data.casting import generate
from beltline.runners.kubeflow.server.api import KUBEFLOW, KubeflowApi
from tests.beltline_process import Beltline, Result
from tests.cluster import objects
from tests.cluster.cluster import Cluster
from tests.deploy import manifests
from tests.end_to_end.projects import QUICK, Project, casting

# What tests/backend/run.sh sets.
VOLUME, IMAGE = "BELTLINE_TEST_VOLUME", "BELTLINE_TEST_IMAGE"
NAMESPACE = "kubeflow"


@dataclass(frozen=True)
class Backend:
    """A project, and the Kubeflow that runs it."""

    cluster: Cluster
    project: Project
    api: KubeflowApi
    volume: Path
    settings: tuple[str, ...]

    def __call__(self, *words: str) -> Result:
        """Calls the command line with the settings for this Kubeflow."""
        return self.project(*words, *self.settings)


@pytest.fixture(scope="session")
def backend(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The pipeline's volume, secret and database in Kubeflow's namespace, and its project."""
    if VOLUME not in os.environ:
        pytest.skip("Kubeflow's backend is started by `make test-kubeflow`")
    cluster = Cluster(Path(os.environ["KUBECONFIG"]))
    volume, address = Path(os.environ[VOLUME]), os.environ[KUBEFLOW]
    overlay = manifests.copied(tmp_path_factory.mktemp("overlay")) / "overlays/standalone"
    rendered = manifests.render(overlay, "postgresql")
    database = [
        each
        for each in rendered.objects
        if each["metadata"]["name"] in (manifests.DATABASE, "beltline")
        and each["kind"] != "PersistentVolumeClaim"
    ]
    cluster.apply(objects.volume(NAMESPACE, volume), objects.claim(NAMESPACE), *database)
    where = ("-n", NAMESPACE, "rollout", "status", f"statefulset/{manifests.DATABASE}")
    cluster(*where, "--timeout=10m")
    project = casting(beltline, tmp_path_factory.mktemp("backend"), rows=2000)
    shutil.copy(project.folder / "casting.csv", volume)
    pyarrow.csv.write_csv(generate(2000, 8, later=True), volume / "later.csv")
    project.env |= {KUBEFLOW: address, "KUBECONFIG": os.environ["KUBECONFIG"]}
    chosen = (
        f"kubeflow.image={os.environ[IMAGE]}",
        # kind has it from the engine of this machine.
        "kubeflow.image_pull_policy=Never",
        f"kubeflow.volume_claim={objects.CLAIM}",
        "kubeflow.secrets={beltline: {BELTLINE_METADATA: BELTLINE_METADATA}}",
        "evaluation.champion.margin=-1",
    )
    settings = (*QUICK, *(word for each in chosen for word in ("--set", each)))
    yield Backend(cluster, project, KubeflowApi(address), volume, settings)
