"""A process that samples until it is killed; it imports no more than a server does."""

import time
from collections.abc import Mapping
from multiprocessing.synchronize import Event

import numpy as np

from beltline.serving.options import Options
from beltline.serving.samples import files as sample_files
from beltline.serving.samples.sampler import Sampler


def sample_until_killed(options: Options, columns: Mapping[str, np.ndarray], ready: Event) -> None:
    sample_files.COMMIT_SECONDS = 0.05
    sampler = Sampler(options)
    ready.set()
    while True:
        sampler.take(3, columns, {}, None)
        time.sleep(0.0005)
