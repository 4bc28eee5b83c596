"""Small models, trained once for the files that ask them."""

from pathlib import Path
from typing import Any

import pytest

from tests.models.rows import fn_args, table, transform


@pytest.fixture(scope="package")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    # TensorFlow takes seconds to import.
    from tests.models.trained import SETTINGS, TASKS

    made = {}
    for name, custom in SETTINGS.items():
        made[name] = tmp_path_factory.mktemp(name)
        splits = {"train": table(600, TASKS[name]), "validation": table(200, TASKS[name], seed=1)}
        transform(made[name], custom, splits)
    return made


@pytest.fixture(scope="package")
def trained(folders: dict[str, Path]) -> dict[str, Any]:
    import tensorflow as tf

    from beltline.models.training import run_fn
    from tests.models.trained import SETTINGS

    for name, folder in folders.items():
        run_fn(fn_args(folder, SETTINGS[name]))
    return {name: tf.saved_model.load(str(folders[name] / "serving")) for name in folders}
