"""The benchmark for GPUs: what it counts and says, and all of it once on a CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from beltline.models import job, reading, schedule
from beltline.pipeline.settings.training import Model, Training
from benchmarks import gpu, gpu_steps

ROOT = Path(__file__).parents[2]
TIMINGS = {
    "step_ms": 0.5,
    "floor_ms": 0.25,
    "floor_tflops": 123.4,
    "fed_ms": 0.625,
    "epoch_s": 2.0,
    "compile_s": 7.0,
}


def records() -> list[dict[str, Any]]:
    jax, case = {"library": "jax"}, [65536, 8, "mixed_bfloat16"]
    return [
        {"library": "tensorflow", "failed": "not installed: keras"},
        {**jax, "device": "NVIDIA H200", "versions": ["jax 0.10", "keras 3.15"]},
        {**jax, "case": case, **TIMINGS},
        {**jax, "case": [65536, 8, "float32"], "failed": "out of memory"},
        {**jax, "case": [1024, 1, "float32"], "failed": "not reached"},
        {**jax, "case": [1024, 8, "float32"], "failed": "not reached"},
        {"library": "xgboost", "device": "cuda:0", "rounds_s": 3.21, "versions": ["xgboost 3"]},
    ]


def test_the_table_sets_a_step_against_its_floor_and_its_input() -> None:
    text = gpu.section(records(), 1000, "python -m benchmarks.gpu")
    timings = "0.500 | 0.250 | 2.0 | 123 | 0.625 | 20% | 32.0 | 7.0"
    assert f"| 65,536 | 8 | bfloat16 | {timings} |" in text
    assert "on cuda:0: 3.2 s." in text
    assert "NVIDIA H200, jax 0.10, keras 3.15, cuda:0, xgboost 3, Python" in text


def test_it_says_in_words_what_was_not_measured() -> None:
    text = gpu.section(records(), 1000, "python -m benchmarks.gpu")
    assert "- TensorFlow: not installed: keras." in text
    assert "- JAX: out of memory: 65,536 and 8 in float32." in text
    assert "- JAX: not reached: 1,024 and 1 in float32, 1,024 and 8 in float32." in text
    assert "GPU;" not in text
    on_cpu = [{**each, "device": "cpu"} if "device" in each else each for each in records()]
    assert "- JAX: found no GPU" in gpu.section(on_cpu, 1000, "python -m benchmarks.gpu")
    assert "Everything was measured." in gpu.section(records()[1:3], 1000, "")


def test_what_takes_too_long_is_stopped_and_said() -> None:
    options = gpu.parser().parse_args(["--seconds", "0", "--batch", "32", "--members", "1"])
    found = [each for each in gpu.measured(options) if each["library"] == "tensorflow"]
    assert [each["failed"] for each in found] == ["stopped after 1 s", "not reached", "not reached"]
    assert [each["case"][2] for each in found[1:]] == ["mixed_bfloat16", "float32"]


def test_what_is_lacking_is_named() -> None:
    assert gpu.lacking("tensorflow") == []
    assert gpu.lacking("no_such_library") == ["no_such_library"]


def test_what_ends_a_process_is_not_lost() -> None:
    [ended] = gpu.in_process("no such library", {"rows": 1000, "cases": []}, 60)
    assert ended["failed"].startswith("ended with 1")


def test_the_network_and_the_training_are_those_of_the_defaults() -> None:
    model, training = Model().model_dump(), Training().model_dump()
    assert {name: model[name] for name in gpu_steps.MODEL} == gpu_steps.MODEL
    assert {name: training[name] for name in gpu_steps.LEARNING} == gpu_steps.LEARNING
    assert gpu_steps.TOGETHER == job._TOGETHER
    assert (gpu_steps.AHEAD, gpu.EPOCHS) == (reading.AHEAD, schedule.EPOCHS)


@pytest.mark.parametrize("members", [1, 8])
def test_the_floor_has_every_matrix_product_of_a_step(members: int) -> None:
    """JAX's lowered step has the same number, counted by hand: 75,694,080 and 561,512,448."""
    found = gpu_steps.products_of(gpu_steps.network_of(members), 256)
    pieces = 8 * 64 * 12 * 2
    width = 8 * 12 + 16 + 8 + 3 * 8 + 5 * 16
    layers = (width * 128 + 128 * 128 + 128) * members * 3
    assert sum(each.operations for each in found) == 2 * 256 * (pieces + layers)


@pytest.mark.slow
def test_all_of_it_on_a_cpu(tmp_path: Path) -> None:
    sizes = ["--rows", "2000", "--batch", "32", "--members", "1", "2"]
    precision = ["--precision", "float32", "nonsense"]
    output = ["-o", str(tmp_path / "page.md"), "--json", str(tmp_path / "gpu.json")]
    command = [sys.executable, "-m", "benchmarks.gpu", *sizes, *precision, *output]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    every = json.loads((tmp_path / "gpu.json").read_text())
    found = [each for each in every if each["library"] == "tensorflow" and "step_ms" in each]
    assert [each["case"] for each in found] == [[32, 1, "float32"], [32, 2, "float32"]]
    for each in found:
        assert min(each[name] for name in TIMINGS) > 0
        assert each["epoch_s"] == pytest.approx(each["fed_ms"] / 1000 * 2000 / 32)
    page = (tmp_path / "page.md").read_text()
    assert done.stdout.strip() in page and page.startswith("<!-- gpu: begin -->")
    assert "| 32 | 2 | float32 |" in page
    assert "ValueError" in page and "32 and 1 in nonsense" in page
