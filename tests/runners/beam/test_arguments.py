"""The section `beam` as Beam's arguments."""

from pathlib import Path

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Beam
from beltline.runners.beam import arguments as module
from beltline.runners.beam.arguments import arguments

CODE = Path("/bundles/1/code.zip")
TLS = {"scheduler": "tls://dask:8786", "ca": "/c/ca", "certificate": "/c/own", "key": "/c/key"}


def test_direct_leaves_the_bundles():
    assert arguments(Beam(), CODE) is None


def test_a_cluster_with_certificates():
    found = arguments(Beam.model_validate({"runner": "dask", "dask": TLS}), CODE)
    assert found == [
        "--runner=beltline.runners.beam.dask.NodeRunner",
        "--dask_scheduler=tls://dask:8786",
        "--dask_tls_ca=/c/ca",
        "--dask_tls_cert=/c/own",
        "--dask_tls_key=/c/key",
        "--beltline_code=/bundles/1/code.zip",
        "--sdk_container_image=none",
    ]


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(WrongInput, match=r"install the locked requirements, or beltline\[dask\]"):
        arguments(Beam.model_validate({"runner": "dask", "dask": TLS}), CODE)
