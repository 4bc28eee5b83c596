"""The documentation as a site: built strictly, complete, and with nothing from elsewhere."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser import page_and_requests

ROOT = Path(__file__).parents[2]
MKDOCS = ROOT / ".venv-site/bin/mkdocs"
SPEC = importlib.util.spec_from_file_location("pages", ROOT / "deploy/site/pages.py")
pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pages)


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "[a](docs/model.md#refit)", "[a](model.md#refit)"),
        ("docs/model.md", "[a](gates.md)", "[a](gates.md)"),
        ("docs/model.md", "[a](../benchmarks/RESULTS.md#x)", "[a](results.md#x)"),
        ("docs/model.md", "[a](#refit)", "[a](#refit)"),
        ("docs/model.md", "[a](../models/network.py)", "a"),
        ("benchmarks/RESULTS.md", "[stock.py](stock.py)", "stock.py"),
        ("README.md", "![a](docs/images/a.svg)", "![a](images/a.svg)"),
        ("docs/report.md", "![a](images/a.webp)", "![a](images/a.webp)"),
        ("README.md", "[a](https://example.com/docs/model.md)", None),
        ("README.md", "```sh\n[a](docs/model.md)\n```\n", None),
    ],
)
def test_links_hold_on_the_site(source, link, expected):
    assert pages.linked(link, source) == (link if expected is None else expected)


def test_every_page_is_in_the_navigation():
    text = (ROOT / "deploy/site/mkdocs.yml").read_text()
    listed = re.findall(r": ([a-z-]+\.md)$", text, re.MULTILINE)
    written = [file.name for file in (ROOT / "docs").glob("*.md")]
    assert sorted(listed) == sorted([*written, *pages.OTHERS.values()])


def test_every_class_of_the_python_api_is_in_its_reference():
    listed = re.findall(r"^::: (.+)$", (ROOT / "deploy/site/api.md").read_text(), re.MULTILINE)
    classes = [
        f"beltline.api.{file.stem}.{found.name}"
        for file in (ROOT / "api").glob("*.py")
        for found in ast.parse(file.read_text()).body
        if isinstance(found, ast.ClassDef) and not found.name.startswith("_")
    ]
    functions = [
        f"beltline.{found.name}"
        for found in ast.parse((ROOT / "src/beltline/__init__.py").read_text()).body
        if isinstance(found, ast.FunctionDef)
    ]
    assert len(classes) > 10
    errors = {"beltline.base.errors.WrongInput", "beltline.base.errors.NodeFailed"}
    assert sorted(listed) == sorted({*classes, *functions, *errors})


def build(config, into):
    if not MKDOCS.exists():
        pytest.skip(".venv-site is not here: `make setup-site`")
    command = [MKDOCS, "build", "--strict", "-f", config, "-d", into]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "deploy/site/mkdocs.yml", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site):
    loaded = r"<(?:script|img|iframe|source)[^>]+src=\"?(https?:[^\" >]+)"
    styles = r"<link[^>]+rel=\"?(?:stylesheet|preload|icon)[^>]+href=\"?(https?:[^\" >]+)"
    for page in site.glob("*.html"):
        assert re.findall(f"{loaded}|{styles}", page.read_text()) == [], page.name
    assert len(list(site.glob("*.html"))) > 25


@pytest.mark.slow
def test_the_search_knows_settings_and_commands(site):
    found = json.loads((site / "search/search_index.json").read_text())["docs"]
    text = {each["location"]: each["text"] for each in found}
    assert {"commands.html#beltline-run", "settings.html#training"} <= text.keys()
    assert "after_blessing" in text["model.html#refit"]


@pytest.mark.slow
def test_the_search_of_a_site_that_is_opened_as_files(site, tmp_path):
    shown, requests = page_and_requests(f"file://{site}/index.html?q=after_blessing", tmp_path)
    found = re.findall(r'href="([^"]+)" class="md-search-result__link"', shown)
    assert any("model.html" in link and "#refit" in link for link in found), found
    assert requests == []


@pytest.mark.slow
def test_a_request_to_another_host_would_be_seen(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<p>shown</p><script src="http://127.0.0.1:9/elsewhere.js"></script>')
    shown, requests = page_and_requests(f"file://{page}", tmp_path)
    assert "shown" in shown
    assert requests == ["http://127.0.0.1:9/elsewhere.js"]


@pytest.mark.slow
def test_the_reference_has_signatures_and_docstrings(site):
    page = re.sub(r"<[^>]+>", "", (site / "api.html").read_text())
    assert "pipeline: str | None = None" in page
    assert "Returns the settings in which these runs differ" in page
    assert "stops after this node" in page
    assert not re.search(r"^\s*(_history|__init__|display)\b", page, re.MULTILINE)
    found = json.loads((site / "search/search_index.json").read_text())["docs"]
    assert "api.html#beltline.api.version.Version.predict" in {each["location"] for each in found}


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    for name in ("docs", "deploy/site"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "src").symlink_to(ROOT / "src")
    for name in pages.OTHERS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docs/model.md").open("a") as page:
        page.write("\n[gone](gates.md#nowhere)\n")
    done = build(tmp_path / "deploy/site/mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr
