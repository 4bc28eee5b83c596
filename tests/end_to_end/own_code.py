"""A user's own model code, in packages that have the awkward names of a checkout's folders."""

import shutil
from pathlib import Path

NETWORK = """
from beltline.models.network import build_network as ours

EDITION = "{edition}"


def build_network(features, vocabulary_sizes, hyperparameters):
    print("network:", EDITION, flush=True)
    return ours(features, vocabulary_sizes, hyperparameters)
"""
TRAINING = """
from beltline.models import training

EDITION = "{edition}"


def run_fn(fn_args):
    print("training:", EDITION, flush=True)
    training.run_fn(fn_args)
"""
PREPROCESSING = """
from beltline.models import preprocessing

from data.words import EDITION


def preprocessing_fn(inputs, custom_config):
    print("preprocessing:", EDITION, flush=True)
    return preprocessing.preprocessing_fn(inputs, custom_config)
"""
FILES = {
    "models/__init__.py": "",
    "models/training.py": TRAINING,
    "pipeline/__init__.py": "",
    "pipeline/network.py": NETWORK,
    "data/__init__.py": "",
    "data/preprocessing.py": PREPROCESSING,
    "data/words.py": 'EDITION = "{edition}"\n',
}
SETTINGS = (
    *("--set", "model.run_fn=models.training.run_fn"),
    *("--set", "model.network_fn=pipeline.network.build_network"),
    *("--set", "model.preprocessing_fn=data.preprocessing.preprocessing_fn"),
)
SAID = ("preprocessing: first", "training: first", "network: first")


def write(folder: Path, edition: str = "first") -> None:
    """Writes the packages; each function prints which edition of it runs."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{edition}", edition))


def remove(folder: Path) -> None:
    """Takes the packages away."""
    for name in {Path(file).parts[0] for file in FILES}:
        shutil.rmtree(folder / name)
