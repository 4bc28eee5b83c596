"""The section `beam` as Beam's arguments."""

from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.beam import arguments as module
from beltline.runners.beam.arguments import arguments

CODE = Path("/bundles/1/code.zip")
TLS = {"scheduler": "tls://dask:8786", "ca": "/c/ca", "certificate": "/c/own", "key": "/c/key"}
ENGINE = {"endpoint": "flink:8099", "workers": "localhost:50000"}


def section(**values) -> Beam:
    return Beam.model_validate(values)


def runner_of(found: list[str] | None) -> str:
    return found[0] if found else "direct"


def test_direct_leaves_the_bundles():
    assert arguments(Beam(), "Transform", CODE) is None


def test_a_cluster_with_certificates():
    assert arguments(section(runner="dask", dask=TLS), "Transform", CODE) == [
        "--runner=beltline.runners.beam.dask.NodeRunner",
        "--dask_scheduler=tls://dask:8786",
        "--dask_tls_ca=/c/ca",
        "--dask_tls_cert=/c/own",
        "--dask_tls_key=/c/key",
        "--sdk_container_image=none",
        "--beltline_code=/bundles/1/code.zip",
    ]


def test_an_engine_with_options_of_its_own():
    options = {"parallelism": 8, "flink_master": "flink:8081", "object_reuse": True}
    engine = section(runner="portable", portable={**ENGINE, "options": options})
    assert arguments(engine, "Transform", CODE) == [
        "--runner=beltline.runners.beam.portable.NodeRunner",
        "--job_endpoint=flink:8099",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--parallelism=8",
        "--flink_master=flink:8081",
        "--object_reuse",
        "--sdk_container_image=none",
        "--beltline_code=/bundles/1/code.zip",
    ]


def test_a_node_may_have_a_runner_of_its_own():
    mixed = section(
        runner="dask",
        nodes={"Evaluator": "portable", "ExampleGen": "direct"},
        dask={"scheduler": "tcp://dask:8786"},
        portable=ENGINE,
    )
    found = {
        node: runner_of(arguments(mixed, node, CODE))
        for node in ("ExampleGen", "Transform", "Evaluator")
    }
    assert found == {
        "ExampleGen": "direct",
        "Transform": "--runner=beltline.runners.beam.dask.NodeRunner",
        "Evaluator": "--runner=beltline.runners.beam.portable.NodeRunner",
    }
    assert mixed.runners() == ["dask", "portable", "direct"]


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(WrongInput, match=r"install the locked requirements, or beltline\[dask\]"):
        arguments(section(runner="dask", dask=TLS), "Transform", CODE)
