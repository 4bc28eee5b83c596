from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.paths import BEAM, DATA, METADATA, ROOT, Paths, make_root

DASK = {"runner": "dask", "dask": {"scheduler": "tcp://127.0.0.1:8786"}}


def test_without_any_word_everything_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = Paths.from_environment()
    assert paths.root == tmp_path / ".beltline"
    assert paths.metadata == f"sqlite:///{tmp_path}/.beltline/metadata.sqlite"
    assert paths.data == tmp_path


def test_the_settings_say_where():
    paths = Paths.from_environment(Path("/big/root"), "mysql://me@db/meta")
    assert (paths.root, paths.metadata) == (Path("/big/root"), "mysql://me@db/meta")


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv(ROOT, "/machine/root")
    monkeypatch.setenv(METADATA, "sqlite:////machine/meta")
    monkeypatch.setenv(DATA, "/machine/data")
    paths = Paths.from_environment(Path("/big/root"), "mysql://me@db/meta")
    assert paths == Paths(Path("/machine/root"), "sqlite:////machine/meta", Path("/machine/data"))


@pytest.mark.parametrize("name", [ROOT, DATA])
def test_a_url_is_no_folder(monkeypatch, name):
    monkeypatch.setenv(name, "s3://bucket/root")
    with pytest.raises(WrongInput, match=f"{name}: a path on a disk is needed"):
        Paths.from_environment()


def test_versions_are_in_the_root_or_at_a_url():
    paths = Paths.from_environment(Path("/big/root"))
    assert paths.served("served", "line") == Path("/big/root/served/line")
    assert str(paths.served("s3://bucket/served", "line")) == "s3://bucket/served/line"


def test_metadata_follows_the_root(monkeypatch):
    monkeypatch.setenv(ROOT, "/machine/root")
    assert Paths.from_environment(Path("/big")).metadata == (
        "sqlite:////machine/root/metadata.sqlite"
    )


@pytest.mark.parametrize("folder", [Path("/a/root"), Path("relative root")])
def test_a_node_finds_the_same_paths_from_any_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = Paths.from_environment(folder, None)
    for name, value in paths.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    assert Paths.from_environment() == paths


def test_where_beam_runs_goes_along(monkeypatch):
    chosen = Beam.model_validate(DASK)
    paths = Paths.from_environment(beam=chosen)
    for name, value in paths.environment().items():
        monkeypatch.setenv(name, value)
    assert Paths.from_environment(beam=Beam()).beam == chosen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dask", "BELTLINE_BEAM: Invalid JSON"),
        ('{"runner": "spark"}', "BELTLINE_BEAM: runner: .*'dask', 'portable' or 'dataflow'"),
        ('{"runner": "dataflow"}', "required for `beam.runner: dataflow`"),
        ('{"dataflow": {"temp_location": "s3://b/x"}}', "dataflow.temp_location: .*pattern"),
        ('{"dataflow": {"project": "123"}}', "dataflow.project: .*pattern"),
        ('{"dataflow": {"image": "beltline"}}', "dataflow.image: .*pattern"),
        ('{"dataflow": {"workers": 3, "max_workers": 2}}', "must be at least workers, 3"),
        ('{"dataflow": {"public_addresses": false}}', "requires subnetwork"),
        ('{"runner": "portable"}', "required for `beam.runner: portable`"),
        (
            '{"runner": "portable", "portable": {"endpoint": "h:1"}}',
            "portable.workers|required for `beam.runner: portable`",
        ),
        ('{"nodes": {"Transform": "dask"}}', "required for `beam.nodes.Transform: dask`"),
        ('{"nodes": {"Trainer": "direct"}}', "nodes.Trainer.*: Input should be 'ExampleGen'"),
        ('{"portable": {"endpoint": "http://h:1"}}', "portable.endpoint: .*pattern"),
        ('{"portable": {"options": {"runner": "x"}}}', "is set by Beltline"),
        ('{"portable": {"options": {"object_reuse": false}}}', "a flag: leave it out instead"),
        ('{"portable": {"options": {"--streaming": true}}}', "portable.options.--streaming"),
        ('{"runner": "dask"}', "BELTLINE_BEAM: .*required for `beam.runner: dask`"),
        ('{"dask": {"scheduler": "8786"}}', "BELTLINE_BEAM: dask.scheduler: "),
        ('{"dask": {"scheduler": "tls://h:1"}}', "required for a scheduler at tls://"),
        ('{"dask": {"scheduler": "tcp://h:1", "ca": "f"}}', "requires a scheduler at tls://"),
    ],
)
def test_an_invalid_place_of_beam(text, message, monkeypatch):
    monkeypatch.setenv(BEAM, text)
    with pytest.raises(WrongInput, match=message):
        Paths.from_environment()


def test_what_lies_in_the_root():
    paths = Paths.from_environment(Path("/r"))
    inside = [paths.artifacts, paths.bundles, paths.log("run", "Trainer")]
    assert inside == [Path("/r/artifacts"), Path("/r/bundles"), Path("/r/logs/run/Trainer.log")]


def test_the_default_root_is_for_its_owner_alone_and_a_named_one_may_be_shared(tmp_path):
    for root in (tmp_path / ".beltline", tmp_path / "deep" / "shared"):
        make_root(root)
        make_root(root)
    assert (tmp_path / ".beltline").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "deep" / "shared").stat().st_mode & 0o055
    # Whoever has changed it, has had a reason.
    (tmp_path / ".beltline").chmod(0o750)
    make_root(tmp_path / ".beltline")
    assert (tmp_path / ".beltline").stat().st_mode & 0o777 == 0o750


def test_artifacts_are_in_a_store_where_one_is_named(monkeypatch):
    assert Paths.from_environment().store is None
    paths = Paths.from_environment(artifacts="s3://bucket/prefix")
    assert str(paths.store) == "s3://bucket/prefix"
    for name, value in paths.environment().items():
        monkeypatch.setenv(name, value)
    assert Paths.from_environment(artifacts="gs://other/prefix") == paths


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://bucket", "name a prefix in the bucket"),
        ("/a/path", "not a URL, such as s3://BUCKET"),
        ("http://a/b", "only s3:// and gs:// URLs"),
    ],
)
def test_artifacts_that_can_be_nowhere(place, said, monkeypatch):
    monkeypatch.setenv("BELTLINE_ARTIFACTS", place)
    with pytest.raises(WrongInput, match=said):
        Paths.from_environment()


def test_workers_elsewhere_cannot_read_artifacts_in_a_store():
    where = Beam.model_validate(DASK)
    with pytest.raises(WrongInput, match=r"dask and artifacts in an object store .* exclude"):
        Paths.from_environment(beam=where, artifacts="s3://bucket/prefix")
