import tracemalloc

import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import write
from tests.pipeline.settings.wrong import wrong

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
)


@pytest.mark.parametrize(
    "value", ["*a9", "{task: *a9}", "{column: x, task: *a9}", "{<<: *a9}", "&own [*own]"]
)
@pytest.mark.parametrize("key", ["label", "training", "name"])
def test_aliases_that_stand_for_gigabytes_are_refused_before_they_do(tmp_path, key, value):
    file = tmp_path / "pipeline.yaml"
    file.write_text(f"{BOMB}\n{key}: {value}\n")
    tracemalloc.start()
    with pytest.raises(WrongInput, match=r"aliases .* write them out"):
        read_project(file)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()
    file.write_text("name: line\n")
    with pytest.raises(WrongInput, match=r"--set: its aliases"):
        read_project(file, [f"{key}={{{BOMB.replace(chr(10), ', ')}, z: *a9}}"])


def test_a_few_aliases_are_fine(tmp_path):
    said = wrong(write(tmp_path, "one: &one [a, b]\nother: [*one, *one]"))
    assert "one: unknown key" in said and "aliases" not in said
