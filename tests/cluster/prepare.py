"""What comes over the network, made before the cluster has none: `python -m tests.cluster.prepare`.

Kubernetes is built, and so are Beltline's images, which are kept as archives in `build/cluster`.
"""

from pathlib import Path

from beltline.base import digest
from beltline.bundle.environment import source_digest
from tests import built_image, docker_engine
from tests.cluster import programs

ROOT = Path(__file__).parents[2]
IMAGE = "beltline.test/beltline:1"
# The server's, as the overlays' own lines for it name it.
VARIANTS = {"pipeline": IMAGE, "serving": "registry.example/beltline-serving:1"}


def archive(variant: str) -> Path:
    """Returns where the archive of that image of these sources is, made or not."""
    names = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "deploy").glob("*")])
    recipe = {each.name: each.read_bytes() for each in names if each.is_file()}
    return programs.KEPT / f"{variant}-{source_digest()}-{digest.of_parts(recipe)[:16]}.tar"


def make_images() -> None:
    """Builds the images and keeps them; the archives of earlier ones are removed."""
    wanted = {variant: archive(variant) for variant in VARIANTS}
    if all(each.exists() for each in wanted.values()):
        return
    for old in programs.KEPT.glob("*.tar*"):
        old.unlink()
    with docker_engine.engine() as docker, docker_engine.base_image(docker) as base:
        for variant, kept in wanted.items():
            with built_image.image(docker, base, variant) as built:
                docker("tag", built, VARIANTS[variant])
                docker("save", "--output", kept.with_suffix(".new"), VARIANTS[variant])
                docker("image", "rm", VARIANTS[variant])
            kept.with_suffix(".new").rename(kept)


if __name__ == "__main__":
    if why := programs.missing():
        print(f"no cluster is made here: {why}")
    else:
        print(f"Kubernetes {programs.VERSION}: {programs.programs().kubernetes}")
        make_images()
        print("images:", *map(archive, VARIANTS))
