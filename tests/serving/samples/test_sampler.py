import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from beltline.base.settings.monitoring import Sampling
from beltline.pipeline.components.statistics_gen import Executor, tfdv
from beltline.serving.options import Options
from beltline.serving.samples import files as sample_files
from beltline.serving.samples import sampler as sampling
from beltline.serving.samples.encoding import encoded
from beltline.serving.samples.sampler import Sampler
from tests.pipeline.components.test_same_as_stock import context
from tests.serving.monitoring.made import rows_of, version
from tests.serving.monitoring.test_check import rows
from tests.serving.sampling_process import sample_until_killed

COLUMNS = {
    "heat (°C)": np.array([201.5, np.nan, 199.0], np.float32),
    "shots": np.array([3.0, 4.0, np.nan]),
    "Mold ü": np.array(["Ü", "", b"A"], object),
}
ANSWERS = {
    "probability": np.array([0.25, 0.5, 0.75], np.float32),
    "class": np.array([b"no", b"no", b"yes"], object),
    "probabilities": np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]], np.float32),
}
KEYS = ["a", "b", "c"]


@pytest.fixture
def options(tmp_path):
    version(tmp_path / "line", 3, rows(50, 1))
    return Options(
        "line", tmp_path / "line", requests=tmp_path / "requests", sampling=Sampling(key="part")
    )


def started(options, **sampling):
    return Sampler(replace(options, sampling=Sampling(**{"key": "part", **sampling})))


def files(options):
    return sorted(options.requests.glob("Split-*/*"))


def examples(options):
    """All that was sampled, a mapping of feature to values for each row."""
    return [row for file in files(options) for row in rows_of(file)]


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_rows_as_example_gen_would_have_written_them(options):
    before = int(time.time())
    sampler = started(options)
    sampler.take(3, COLUMNS, ANSWERS, KEYS)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (3, 0)
    first, second, third = examples(options)
    assert before <= first.pop("beltline:time")[0] <= time.time()
    assert first == {
        "heat (°C)": [201.5],
        "shots": [3],
        "Mold ü": ["Ü".encode()],
        "beltline:version": [3],
        "beltline:key": [b"a"],
        "beltline:probability": [0.25],
        "beltline:class": [b"no"],
        "beltline:probabilities": [0.75, 0.25],
    }
    # What is missing is a feature without a value.
    assert (second["heat (°C)"], second["Mold ü"], third["shots"]) == ([], [], [])
    assert type(first["shots"][0]) is int
    assert files(options)[0].parent.name == "Split-v3"


def test_samples_are_for_their_owner_alone(options):
    sampler = started(options)
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.close()
    assert files(options)
    assert options.requests.stat().st_mode & 0o777 == 0o700


def test_excluded_columns_are_never_written(options):
    sampler = started(options, without=["Mold ü", "part"])
    columns = COLUMNS | {"Mold ü": np.array(["a secret mold"] * 3, object)}
    sampler.take(3, columns, ANSWERS, ["a secret part"] * 3)
    sampler.close()
    [row, *_] = examples(options)
    assert not {"Mold ü", "beltline:key"} & set(row)
    for file in options.requests.rglob("*"):
        assert file.is_dir() or b"secret" not in tf.io.gfile.GFile(str(file), "rb").read()
    assert not any(b"secret" in value for row in examples(options) for value in row.values())


def test_a_column_can_not_override_beltlines_own_features(options):
    sampler = started(options)
    sampler.take(3, COLUMNS | {"beltline:version": np.array([9.0, 9, 9])}, ANSWERS, None)
    sampler.close()
    assert [row["beltline:version"] for row in examples(options)] == [[3]] * 3


def test_rows_of_several_signatures_have_different_answers(options):
    sampler = started(options)
    score = {"probability": ANSWERS["probability"]}
    for answers in (ANSWERS, score, score, ANSWERS):
        sampler.take(3, COLUMNS, answers, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (12, 0)
    found = [row.get("beltline:class") for row in examples(options)]
    assert found == [[b"no"], [b"no"], [b"yes"], *[None] * 6, [b"no"], [b"no"], [b"yes"]]


def test_each_version_has_its_files_and_its_kinds(options):
    """Of version 4 nothing is known: the kinds are those of the values."""
    sampler = started(options)
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.take(4, COLUMNS, ANSWERS, None)
    sampler.take(3, COLUMNS, ANSWERS, KEYS)
    sampler.close()
    assert [file.parent.name for file in files(options)] == ["Split-v3", "Split-v4"]
    assert [type(row["shots"][0]) for row in examples(options) if row["shots"]] == [int] * 4 + [
        float
    ] * 2


def test_a_share_of_the_rows(options):
    sampler = started(options, sample_rate=0.25)
    many = {name: np.repeat(values, 1000) for name, values in COLUMNS.items()}
    answers = {name: np.repeat(values, 1000, axis=0) for name, values in ANSWERS.items()}
    sampler.take(3, many, answers, ["k"] * 3000)
    one = {name: values[:1] for name, values in COLUMNS.items()}
    for _ in range(1000):
        sampler.take(3, one, {name: values[:1] for name, values in ANSWERS.items()}, ["k"])
    sampler.close()
    assert sampler.written == pytest.approx(1000, abs=150)
    assert sampler.dropped == 0
    nothing = started(options, sample_rate=0.0)
    nothing.take(3, many, answers, None)
    nothing.close()
    assert nothing.written == 0


def test_rows_above_the_queue_limit_are_dropped_and_counted(options, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_WAITING", 5)
    monkeypatch.setattr(sampling, "_PAUSE_SECONDS", 3600)
    sampler = started(options)
    for _ in range(4):
        sampler.take(3, COLUMNS, ANSWERS, None)
    assert sampler.dropped == 9
    sampler.close()
    assert (sampler.written, sampler.dropped) == (3, 9)


def test_bytes_above_the_queue_limit_are_dropped_and_counted(options, monkeypatch):
    """A few rows of large texts fill the memory as well as many rows do."""
    monkeypatch.setattr(sampling, "MOST_WAITING_BYTES", 5_000)
    monkeypatch.setattr(sampling, "_PAUSE_SECONDS", 3600)
    sampler = started(options)
    for letter in "abc":
        sampler.take(3, {"Mold ü": np.array([letter * 2_000], object)}, {}, None)
    sampler.take(3, {"heat (°C)": np.zeros(500)}, {}, None)
    sampler.take(3, {"Mold ü": np.array(["d"], object)}, {}, ["k" * 2_000])
    sampler.take(3, {}, {"class": np.array(["e" * 2_000], object)}, None)
    sampler.take(3, {"Mold ü": np.array(["f"], object)}, {}, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (3, 502)
    assert {row["Mold ü"][0][:1] for row in examples(options)} == {b"a", b"b", b"f"}


def test_a_file_of_large_rows_is_no_larger_than_others(options, monkeypatch):
    monkeypatch.setattr(sample_files, "_FILE_BYTES", 100_000)
    sampler = started(options)
    for _ in range(20):
        texts = [os.urandom(15_000).hex() for _ in range(10)]
        sampler.take(3, {"Mold ü": np.array(texts, object)}, {}, None)
    wait_for(lambda: sampler.written + sampler.dropped >= 180)
    sampler.take(3, {"Mold ü": np.array(["x" * 100_001], object)}, {}, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (200, 1)
    sizes = [file.stat().st_size for file in files(options)]
    assert len(sizes) > 10 and max(sizes) < 200_000


def test_invalid_rows_are_dropped_and_the_others_written(options):
    sampler = started(options)
    sampler.take(3, COLUMNS | {"shots": np.array([1.0])}, ANSWERS, None)
    wait_for(lambda: sampler.dropped)
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (3, 3)


def test_an_unwritable_disk_drops_samples_and_nothing_else(options, caplog):
    options.requests.write_text("a file where the folder should be")
    sampler = started(options)
    sampler.take(3, COLUMNS, ANSWERS, None)
    wait_for(lambda: sampler.dropped == 3)
    options.requests.unlink()
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.close()
    assert (sampler.written, sampler.dropped) == (3, 3)
    assert caplog.text.count("samples of requests were dropped") == 1


def test_samples_become_visible_while_the_server_runs(options, monkeypatch):
    """In one file that grows, and never holds less than before."""
    monkeypatch.setattr(sample_files, "COMMIT_SECONDS", 0.0)
    sampler = started(options)
    for part in range(1, 4):
        sampler.take(3, COLUMNS, ANSWERS, None)
        wait_for(lambda rows=3 * part: sampler.written == rows)
        assert len(examples(options)) == 3 * part
    assert len(files(options)) == 1
    sampler.close()


def test_the_oldest_files_are_deleted_above_the_limit(options, monkeypatch):
    monkeypatch.setattr(sample_files, "_FILE_BYTES", 1_000)
    monkeypatch.setattr(sample_files, "COMMIT_SECONDS", 0.0)
    split = options.requests / "Split-v1"
    split.mkdir(parents=True)
    for second in range(4):
        old = split / f"data_tfrecord-2026010{second}T000000Z-00000000-000001.gz"
        old.write_bytes(bytes(300_000))
    sampler = started(options, sample_mb=1)
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.close()
    left = [file.name[14:22] for file in files(options)]
    assert left[:-1] == ["20260101", "20260102", "20260103"]
    assert sampler.written == 3


def test_leftovers_of_killed_servers_are_deleted_after_an_hour(options):
    staged = options.requests / "staged"
    staged.mkdir(parents=True)
    for name, age in (("old", 4000), ("young", 60)):
        (staged / name).touch()
        os.utime(staged / name, (time.time() - age,) * 2)
    sampler = started(options)
    sampler.take(3, COLUMNS, ANSWERS, None)
    sampler.close()
    assert [file.name for file in staged.iterdir()] == ["young"]


def test_a_request_only_queues_its_rows(options, monkeypatch):
    """The event loop neither copies nor encodes: that is the thread's work."""
    monkeypatch.setattr(sampling, "_PAUSE_SECONDS", 3600)
    sampler = started(options)
    one = {name: values[:1] for name, values in COLUMNS.items()}
    sampler.take(3, one, {}, None)
    [(_, request)] = sampler._waiting
    assert all(request.columns[name] is values for name, values in one.items())
    queued = _seconds(lambda: sampler.take(3, one, {}, None))
    written = _seconds(lambda: list(encoded(3, [request], {})))
    assert 10 * queued < written, (queued, written)
    sampler.close()


def _seconds(call, times=200):
    """The time of a call, undisturbed by whatever else runs: the least of several."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def test_the_sampler_needs_a_folder(options):
    with pytest.raises(ValueError, match="no folder"):
        Sampler(replace(options, requests=None))


@pytest.mark.slow
def test_killed_servers_leave_only_complete_files(options):
    spawn = multiprocessing.get_context("spawn")
    for seed in range(3):
        ready = [spawn.Event() for _ in range(2)]
        servers = [
            spawn.Process(target=sample_until_killed, args=(options, COLUMNS, each))
            for each in ready
        ]
        for server in servers:
            server.start()
        assert all(each.wait(120) for each in ready)
        time.sleep(1 + 0.13 * seed)
        for server in servers:
            os.kill(server.pid, signal.SIGKILL)
            server.join()
        # Reading raises on a file that is cut off.
        assert len(examples(options)) % 3 == 0
        assert len(files(options)) == 2 * (seed + 1)


@pytest.mark.slow
def test_statistics_gen_reads_the_samples_of_a_server_under_load(options, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "COMMIT_SECONDS", 0.1)
    sampler = started(options)
    for _ in range(2000):
        sampler.take(3, COLUMNS, ANSWERS, KEYS)
    wait_for(lambda: sampler.written)
    sampler.close()
    samples = standard_artifacts.Examples()
    samples.uri = str(options.requests)
    samples.split_names = artifact_utils.encode_split_names(["v3"])
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    Executor(context(tmp_path)).Do({"examples": [samples]}, {"statistics": [statistics]}, {})
    file = Path(artifact_utils.get_split_uri([statistics], "v3")) / "FeatureStats.pb"
    found = tfdv.load_stats_binary(str(file)).datasets[0]
    kinds = {each.path.step[0]: each.type for each in found.features}
    assert found.num_examples == 6000
    integer, number, text = 0, 1, 2
    assert kinds["shots"] == integer
    assert kinds["heat (°C)"] == number
    assert kinds["Mold ü"] == text
