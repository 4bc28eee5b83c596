"""What a refit learns from besides is what the judged model has not seen."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from benchmarks.quality.refit import SIDES, _cut


def test_every_row_is_on_one_side(tmp_path: Path) -> None:
    rows = [str(number).encode() for number in range(1000)]
    for part in (0, 1):
        with tf.io.TFRecordWriter(str(tmp_path / f"rows-{part}.gz"), "GZIP") as writer:
            for row in rows[500 * part : 500 * part + 500]:
                writer.write(row)
    seen, new = (
        list(tf.data.TFRecordDataset(file, "GZIP").as_numpy_iterator())
        for file in _cut(str(tmp_path / "rows-*"), tmp_path)
    )
    assert len(new) == 250 and sorted(seen + new) == sorted(rows)


@pytest.mark.slow
@pytest.mark.long
def test_both_are_scored_on_the_same_rows(tmp_path: Path) -> None:
    # A process of its own: it forks, which is safe only where TensorFlow has done nothing yet.
    command = [sys.executable, "-m", "benchmarks.quality.refit", "--set", "wine"]
    arguments = ["--with", "model.learners=[trees]", "--kept", str(tmp_path)]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("wine ")]
    assert [line.split(":")[0] for line in lines] == [f"wine {side}" for side in SIDES]
    assert all("log loss 0." in line for line in lines) and lines[0][12:] != lines[1][11:]
