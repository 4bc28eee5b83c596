"""Calls the exported model's signature directly, one row after the other, in this process.

    python -m benchmarks.direct_calls MODEL SECONDS

Prints the milliseconds of a call as JSON: median and 99th percentile. This is what a server is
compared with: values of one row in, tensors made of them, plain values out.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def main(folder: Path, seconds: float) -> None:
    """Measures and prints."""
    model = tf.saved_model.load(str(folder))
    predict = model.signatures["serving_default"]
    row = {k: math.nan if v is None else v for k, v in first_row(folder).items()}
    dtypes = {n: spec.dtype for n, spec in predict.structured_input_signature[1].items()}

    def call() -> dict[str, Any]:
        columns = {name: tf.constant([row[name]], dtype) for name, dtype in dtypes.items()}
        return {name: value.numpy().tolist() for name, value in predict(**columns).items()}

    for _ in range(50):
        call()
    taken, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1e3)
    found = np.percentile(taken, [50, 99])
    print(json.dumps({"p50": found[0], "p99": found[1], "per_second": len(taken) / seconds}))


def first_row(folder: Path) -> dict[str, Any]:
    """Returns the first of the rows recorded with a version; None for a missing number."""
    extra = folder / "assets.extra"
    rows = json.loads((extra / "check_rows.json").read_text(encoding="utf-8"))["rows"]
    return {name: values[0] for name, values in rows.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
