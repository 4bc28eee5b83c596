"""The databases' manifests on a real cluster: the nodes find them, and outlive a restart of them.

Their images are Debian's servers, told what the official images are told (`databases/`).
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.beltline_process import Beltline
from tests.cluster import objects, prepare
from tests.cluster.cluster import Cluster
from tests.cluster.kubeflow_pods import SETTINGS, Package, Runs, ending
from tests.deploy import manifests
from tests.deploy.manifests import DATABASE
from tests.end_to_end.projects import casting

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

# The overlay with its own database, and the other one as its comment says.
OVERLAYS = {"postgresql": "standalone", "mariadb": "example"}
# The claim that the StatefulSet makes.
_DATA = f"data-{DATABASE}-0"


@dataclass(frozen=True)
class Site:
    """A namespace with a database of the overlays and a package of the casting pipeline."""

    runs: Runs
    volume: Path

    def kubectl(self, *words: str) -> str:
        return self.runs.cluster("-n", self.runs.namespace, *words)

    def database(self) -> str:
        """Returns which pod the database is now."""
        return self.kubectl("get", "pod", f"{DATABASE}-0", "-o", "jsonpath={.metadata.uid}")


@pytest.fixture(params=sorted(OVERLAYS))
def site(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    image: str,
    beltline: Beltline,
    tmp_path: Path,
) -> Iterator[Site]:
    database = request.param
    cluster.load(prepare.archive(prepare.DATABASES))
    overlay = manifests.copied(tmp_path) / "overlays" / OVERLAYS[database]
    manifests.with_database(overlay, database)
    rendered = manifests.render(overlay, manifests.DATABASES[database])
    namespace, volume = rendered.namespace, tmp_path / "volume"
    data = tmp_path / "data"
    for each in (volume, data):
        each.mkdir()
    # Everything but the server, which another test has.
    kept = [each for each in rendered.objects if "serving" not in each["metadata"]["name"]]
    kept = [each for each in kept if each["kind"] not in ("Namespace", "PersistentVolumeClaim")]
    # Kubeflow's own pods don't conform to the restricted standard.
    made = [objects.namespace(namespace, "baseline"), objects.volume(namespace, volume)]
    made += [objects.claim(namespace), objects.volume(namespace, data, claim=_DATA)]
    cluster.apply(*made, *kept)
    where = ("-n", namespace, "rollout", "status", f"statefulset/{DATABASE}")
    cluster(*where, "--timeout=120s")
    project = casting(beltline, tmp_path / "project", rows=2000)
    shutil.copy(project.folder / "casting.csv", volume)
    chosen = (
        f"kubeflow.image={image}",
        "kubeflow.secrets={beltline: {BELTLINE_METADATA: BELTLINE_METADATA}}",
        "kubeflow.retries=3",
        "kubeflow.retry_delay_seconds=5",
    )
    given = [word for each in chosen for word in ("--set", each)]
    done = project("compile", "kubeflow", "-o", "package", *SETTINGS, *given)
    assert done.code == 0, done.text
    package = Package(project.folder / "package/pipeline.yaml")
    yield Site(Runs(cluster, namespace, package), volume)
    cluster("delete", "namespace", namespace, "--timeout=120s")
    cluster("delete", "pv", f"{objects.CLAIM}-{namespace}", f"{_DATA}-{namespace}")


def test_a_run_outlives_a_restart_of_the_database(site: Site) -> None:
    runs = site.runs
    before, *after = runs.package.tasks()
    assert runs.end(runs.start(before, "restarted"))[0] == "Succeeded"
    for task in after:
        name = runs.start(task, "restarted")
        # It goes while the pod imports TFX, with the connections of whoever has one.
        old = site.database()
        site.kubectl("delete", "pod", f"{DATABASE}-0", "--wait=false")
        phase, said = runs.end(name)
        assert phase == "Succeeded", said
        assert site.database() != old
    said = runs.report("restarted")
    assert ending(said).end == "done", said
    assert (site.volume / "served/casting/1/saved_model.pb").exists()
