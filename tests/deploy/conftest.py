"""What the tests of the manifests share."""

import pytest

from tests.deploy import manifests
from tests.deploy.manifests import DATABASES, Rendered

# Each overlay with each database, and each server once at least.
COMBINED = [
    ("example", "mariadb", "tensorflow"),
    ("example", "postgresql", "samples"),
    ("standalone", "mariadb", "tensorflow"),
    ("standalone", "postgresql", "beltline"),
]


@pytest.fixture(scope="module", params=COMBINED, ids="-".join)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    overlay, database, server = request.param
    folder = manifests.copied(tmp_path_factory.mktemp(overlay)) / "overlays" / overlay
    manifests.with_server(manifests.with_database(folder, database), server)
    return manifests.render(folder, DATABASES[database], server)
