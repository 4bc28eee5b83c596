"""What comes over the network, made before the cluster has none: `python -m tests.cluster.prepare`.

Kubernetes is built, and so is Beltline's image, which is kept as an archive in `build/cluster`.
"""

from pathlib import Path

from beltline.base import digest
from beltline.bundle.environment import source_digest
from tests import built_image, docker_engine
from tests.cluster import programs

ROOT = Path(__file__).parents[2]
IMAGE = "beltline.test/beltline:1"


def image_archive() -> Path:
    """Returns where the archive of the image of these sources is, made or not."""
    names = ("deploy/Dockerfile", "deploy/slim.sh", "requirements/cpu.txt")
    recipe = digest.of_parts({name: (ROOT / name).read_bytes() for name in names})[:16]
    return programs.KEPT / f"image-{source_digest()}-{recipe}.tar"


def make_image() -> None:
    """Builds the image and keeps it; the archive of an earlier one is removed."""
    archive = image_archive()
    if archive.exists():
        return
    for old in programs.KEPT.glob("image-*.tar*"):
        old.unlink()
    with (
        docker_engine.engine() as docker,
        docker_engine.base_image(docker) as base,
        built_image.image(docker, base) as built,
    ):
        docker("tag", built, IMAGE)
        docker("save", "--output", archive.with_suffix(".new"), IMAGE)
        docker("image", "rm", IMAGE)
    archive.with_suffix(".new").rename(archive)


if __name__ == "__main__":
    if why := programs.missing():
        print(f"no cluster is made here: {why}")
    else:
        print(f"Kubernetes {programs.VERSION}: {programs.programs().kubernetes}")
        make_image()
        print(f"image: {image_archive()}")
