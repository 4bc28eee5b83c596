"""What comes over the network, made before the cluster has none: `python -m tests.cluster.prepare`.

Kubernetes is built, and so are the images, which are kept as archives in `build/cluster`.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from beltline.base import digest
from beltline.bundle.environment import source_digest
from tests import built_image, docker_engine
from tests.cluster import programs
from tests.docker_engine import Engine

ROOT = Path(__file__).parents[2]
IMAGE = "beltline.test/beltline:1"
# The server's, as the overlays' own lines for it name it.
VARIANTS = {"pipeline": IMAGE, "serving": "registry.example/beltline-serving:1"}
DATABASES = "databases"


def archive(image: str) -> Path:
    """Returns where the archive of an image is, made or not: a variant's, or the databases'."""
    recipe = Path(__file__).parent / DATABASES if image == DATABASES else ROOT / "deploy"
    names = sorted([*(ROOT / "requirements").glob("*.txt"), *recipe.glob("*")])
    found = digest.of_parts({each.name: each.read_bytes() for each in names if each.is_file()})
    return programs.KEPT / f"{image}-{source_digest()}-{found[:16]}.tar"


def make_images() -> None:
    """Builds the images that are not there yet; the archives of earlier ones are removed."""
    wanted = {image: archive(image) for image in (*VARIANTS, DATABASES)}
    for old in set(programs.KEPT.glob("*.tar*")) - set(wanted.values()):
        old.unlink()
    missing = {image: to for image, to in wanted.items() if not to.exists()}
    if not missing:
        return
    with docker_engine.engine() as docker, docker_engine.base_image(docker) as base:
        for image, to in missing.items():
            if image == DATABASES:
                _make_databases(docker, base, to)
            else:
                _make_variant(docker, base, image, to)


def _make_variant(docker: Engine, base: str, variant: str, to: Path) -> None:
    with built_image.image(docker, base, variant) as built:
        docker("tag", built, VARIANTS[variant])
        _keep(docker, to, VARIANTS[variant])


def _make_databases(docker: Engine, base: str, to: Path) -> None:
    names = [*database_images()]
    tags = [word for name in names for word in ("--tag", name)]
    recipe = Path(__file__).parent / DATABASES
    docker("build", "--network=host", f"--build-arg=BASE_IMAGE={base}", *tags, recipe)
    _keep(docker, to, *names)


def database_images() -> Iterator[str]:
    """Yields the names of the images that the databases' manifests ask for."""
    for file in sorted((ROOT / "deploy/kubernetes/components").glob("*/database.yaml")):
        for each in yaml.safe_load_all(file.read_text()):
            if each["kind"] == "StatefulSet":
                [container] = each["spec"]["template"]["spec"]["containers"]
                yield container["image"]


def _keep(docker: Engine, to: Path, *names: str) -> None:
    docker("save", "--output", to.with_suffix(".new"), *names)
    docker("image", "rm", *names)
    to.with_suffix(".new").rename(to)


if __name__ == "__main__":
    if why := programs.missing():
        print(f"no cluster is made here: {why}")
    else:
        print(f"Kubernetes {programs.VERSION}: {programs.programs().kubernetes}")
        make_images()
        print("images:", *map(archive, (*VARIANTS, DATABASES)))
