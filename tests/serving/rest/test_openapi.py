"""Requests made from the OpenAPI document itself, right ones and wrong ones."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


def test_requests_made_from_the_document(server):
    words = [str(Path(sys.executable).with_name("schemathesis")), "run"]
    words += [f"{server.address}/openapi.json", "--checks", ",".join(CHECKS)]
    words += ["--phases", "examples,coverage,fuzzing", "--max-examples", "100", "--seed", "7"]
    words += ["--max-time", "15", "--continue-on-failure", "--no-color"]
    words += ["--generation-database", "none"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, cwd=server.log.parent)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 300, done.stdout
