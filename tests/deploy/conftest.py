"""What the tests of the manifests share."""

import itertools

import pytest

from tests.deploy import manifests
from tests.deploy.manifests import DATABASES, OVERLAYS, Rendered


@pytest.fixture(
    scope="module",
    params=list(itertools.product(OVERLAYS, DATABASES)),
    ids="-".join,
)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    overlay, database = request.param
    folder = manifests.copied(tmp_path_factory.mktemp(overlay)) / "overlays" / overlay
    return manifests.render(manifests.with_database(folder, database), DATABASES[database])
