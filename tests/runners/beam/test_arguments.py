"""The section `beam` as Beam's arguments."""

from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.beam import arguments as module
from beltline.runners.beam.arguments import arguments, check_places, know_options

CODE = Path("/bundles/1/code.zip")
ROOT = "/srv/beltline"
SUBNETWORK = "regions/europe-west3/subnetworks/parts"
TLS = {"scheduler": "tls://dask:8786", "ca": "/c/ca", "certificate": "/c/own", "key": "/c/key"}
ENGINE = {"endpoint": "flink:8099", "workers": "localhost:50000"}


def section(**values) -> Beam:
    return Beam.model_validate(values)


def runner_of(found: list[str] | None) -> str:
    return found[0] if found else "direct"


def test_direct_leaves_the_bundles():
    assert arguments(Beam(), "Transform", CODE, ROOT) is None


def test_a_cluster_with_certificates():
    assert arguments(section(runner="dask", dask=TLS), "Transform", CODE, ROOT) == [
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
    assert arguments(engine, "Transform", CODE, ROOT) == [
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
        node: runner_of(arguments(mixed, node, CODE, ROOT))
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
        arguments(section(runner="dask", dask=TLS), "Transform", CODE, ROOT)


def test_without_dask_a_run_ends_before_its_first_node(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(WrongInput, match=r"install the locked requirements, or beltline\[dask\]"):
        know_options(section(runner="dask", dask=TLS), "Transform")


DATAFLOW = {
    "project": "foundry",
    "region": "europe-west3",
    "temp_location": "gs://foundry-temp/beltline",
    "image": "europe-docker.pkg.dev/foundry/ml/beltline:0.1.0",
}


def test_dataflow_is_sent_the_code_as_a_file():
    own = DATAFLOW | {"workers": 2, "public_addresses": False, "subnetwork": SUBNETWORK}
    place = section(runner="dataflow", dataflow=own)
    assert arguments(place, "Transform", CODE, "gs://foundry/root") == [
        "--runner=beltline.runners.beam.dataflow.DataflowRunner",
        "--project=foundry",
        "--region=europe-west3",
        "--temp_location=gs://foundry-temp/beltline",
        "--sdk_container_image=europe-docker.pkg.dev/foundry/ml/beltline:0.1.0",
        "--num_workers=2",
        f"--subnetwork={SUBNETWORK}",
        "--no_use_public_ips",
        "--sdk_location=container",
        "--no_save_main_session",
        "--files_to_stage=/bundles/1/code.zip",
        "--beltline_code=/bundles/1/code.zip",
    ]


@pytest.mark.parametrize("root", ["/srv/beltline", "s3://foundry/root", ".beltline"])
def test_dataflow_needs_a_root_of_google_s(root):
    mixed = section(nodes={"Transform": "dataflow"}, dataflow=DATAFLOW)
    with pytest.raises(WrongInput, match=f"workers can't reach the root {root}: .*gs://"):
        arguments(mixed, "Transform", CODE, root)
    # Whose node runs here needs none.
    assert arguments(mixed, "Evaluator", CODE, root) is None


def test_dataflow_needs_the_data_too():
    away = section(runner="dataflow", dataflow=DATAFLOW)
    check_places(away, "gs://b/root", {"ExampleGen": "gs://b/parts.csv"})
    with pytest.raises(WrongInput, match=r"reach parts\.csv, which ExampleGen needs: .*direct"):
        check_places(away, "gs://b/root", {"ExampleGen": "parts.csv"})
    here = section(runner="dataflow", nodes={"ExampleGen": "direct"}, dataflow=DATAFLOW)
    check_places(here, "gs://b/root", {"ExampleGen": "parts.csv"})


def test_predictions_are_written_here():
    away = section(runner="dataflow", dataflow=DATAFLOW)
    with pytest.raises(WrongInput, match=r"set beam\.nodes\.BulkInferrer to direct"):
        arguments(away, "BulkInferrer", CODE, "gs://b/root")


def test_without_dataflow_s_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(WrongInput, match=r"locked requirements, or apache-beam\[gcp\]"):
        arguments(section(runner="dataflow", dataflow=DATAFLOW), "Transform", CODE, "gs://b/r")
