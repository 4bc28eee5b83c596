"""The pictures of the documentation: what they show is what its pages say."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from tests.browser import page_in_browser
from tests.docs.pages import PAGES, ROOT, blocks

IMAGES = ROOT / "docs/images"
FILM = IMAGES / "first-five-minutes.svg"
PYTHON = ROOT / ".venv-site/bin/python"
SVG = "{http://www.w3.org/2000/svg}"
SPEC = importlib.util.spec_from_file_location("session", ROOT / "deploy/site/session.py")
session = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(session)
# Pillow is in the site's environment; the names are a literal.
SECTIONS = next(
    ast.literal_eval(found.value)
    for found in ast.parse((ROOT / "deploy/site/screenshots.py").read_text()).body
    if isinstance(found, ast.Assign) and found.targets[0].id == "SECTIONS"
)


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314 - we have just written it


def shown(svg):
    """The lines of a film, each once, as they first come."""
    return [as_text(line) for line in parsed(svg).findall(f"{SVG}defs/{SVG}text")]


def as_text(line):
    """A line with the blanks that places stand for."""
    found = ""
    for part in line:
        found = found.ljust(round(float(part.get("x")) / 8.4)) + part.text
    return found


def commands():
    """What the README tells to call, and the request that another page shows in full."""
    readme = [block for block in blocks("sh") if block.page.name == "README.md"]
    told = [command for block in readme for command in block.commands()]
    assert set(session.COMMANDS) <= set(told)
    return [*session.COMMANDS, session.question().splitlines()[0]]


def test_the_terminal_shows_the_commands_of_the_pages():
    lines = shown(FILM.read_text())
    typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    allowed = [*commands(), "# in another terminal"]
    assert [each for each in typed if not any(whole.startswith(each) for whole in allowed)] == []
    complete = [each for each in typed if each in commands()]
    assert complete == commands()
    asked = [line.strip() for line in session.question().splitlines()]
    assert set(asked[1:]) <= {line.strip() for line in lines}


def test_the_request_is_the_one_that_the_readme_shortens():
    [short] = [
        command
        for block in blocks("text")
        if block.page.name == "README.md"
        for command in re.findall(r"^\$ (curl .*)$", block.text, re.MULTILINE)
    ]
    kept = short.partition("{")[0]
    assert session.question().startswith(kept)
    assert '"mold": "M01"' in short and '"mold": "M01"' in session.question()


def test_the_readme_says_how_much_faster_the_run_is_shown():
    assert session.FASTER == 6
    assert "shown six times as fast" in (ROOT / "README.md").read_text()


def test_the_terminal_ends_with_an_answer():
    lines = shown(FILM.read_text())
    assert any(re.search(r"now serving version 1", line) for line in lines)
    assert any(re.fullmatch(r'\{"predictions":\[\{.*"version":"1"\}\$?', line) for line in lines)
    assert not [line for line in lines if re.search(r"/(tmp|home|root|work)/", line)]


def test_the_film_needs_no_script_and_has_a_text():
    text = FILM.read_text()
    assert not re.search(r"<script|<image|<foreignObject|@import|url\(", text)
    tree = parsed(text)
    assert tree.get("role") == "img"
    assert len(tree.findtext(f"{SVG}desc")) > 200
    assert {each.get("id") for each in (tree.find(f"{SVG}title"), tree.find(f"{SVG}desc"))} == set(
        tree.get("aria-labelledby").split()
    )


def test_each_picture_is_light_and_is_shown_with_words():
    described = {}
    for page in PAGES:
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text()):
            described[(page.parent / target).resolve()] = words
    files = sorted(IMAGES.iterdir())
    assert len(files) >= 4
    for file in files:
        assert len(described[file]) > 30, file.name
        most = 500_000 if file.suffix == ".svg" else 200_000
        assert file.stat().st_size < most, file.name


def test_a_recording_is_faster_where_told_and_hides_the_folder(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])
    cast = session.Cast("/somewhere/folder")
    for pace, passed, text in ((1.0, 1.0, "a"), (1 / 6, 6.0, "b"), (1.0, 60.0, "c")):
        cast.pace = pace
        now[0] += passed
        cast.write(f"{text} /somewhere/folder/parts.csv")
    head, *events = [json.loads(line) for line in cast.text().splitlines()]
    assert (head["version"], head["width"], head["height"]) == (2, 100, 30)
    assert [event[0] for event in events] == [1.0, 2.0, 3.5]
    assert events[0][1:] == ["o", "a …/parts.csv"]


def test_a_shell_is_typed_into_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "_PAUSE", 0)
    monkeypatch.setattr(session, "_KEY", 0)
    cast = session.Cast(str(tmp_path))
    shell = session._shell(tmp_path, cast)
    printed = session._call(shell, "pwd; printf 'no end of line'; ls missing")
    assert "missing" in printed
    _, *events = [json.loads(line) for line in cast.text().splitlines()]
    text = re.sub(r"\x1b\[\d+m", "", "".join(event[2] for event in events))
    assert text.startswith("$ pwd; printf 'no end of line'; ls missing\r\n…\r\nno end of line")
    assert text.endswith("\r\n$ ")


def test_the_photographed_sections_are_in_the_report():
    named = {name for pair in SECTIONS.values() for name in pair if name}
    templates = (ROOT / "runners/report/templates").glob("*.html")
    known = {each for file in templates for each in re.findall(r'<h2 id="(\w+)"', file.read_text())}
    assert named <= known


@pytest.mark.slow
def test_a_section_is_photographed_to_a_row_of_its_table(tmp_path):
    if not PYTHON.exists():
        pytest.skip(".venv-site is not here: `make setup-site`")
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    names = ["data", "columns", "metrics", "slices", "learners"]
    row = "<tr><td style='height:100px;padding:0'>row</td></tr>"
    rows = {"columns": 20, "slices": 3}
    tables = [
        f"<h2 id={name} style='height:40px;margin:0'>{name}</h2>"
        f"<table style='border-spacing:0'>{row * rows.get(name, 1)}</table>"
        for name in names
    ]
    top = "<!doctype html><body style='margin:0'><p style='height:60px;margin:0'>top"
    (tmp_path / "report.html").write_text(top + "".join(tables))
    code = (
        "from PIL import Image; from pathlib import Path; import screenshots\n"
        "for file in screenshots.take(Path('report.html').absolute(), Path()):\n"
        "    print(file.stem, *Image.open(file).size)"
    )
    done = subprocess.run(
        [PYTHON, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "deploy/site")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    sizes = {name: (int(w), int(h)) for name, w, h in map(str.split, done.stdout.splitlines())}
    assert sizes == {
        "report-nodes": (1500, round(1.5 * (60 - 16))),
        # The margin, the heading, and as many whole rows as fit.
        "report-columns": (1500, round(1.5 * (16 + 40 + 1100))),
        "report-curves": (1500, round(1.5 * 140)),
        "report-importance": (1500, round(1.5 * 340)),
    }


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film of some lines: coloured, overwritten and scrolled."""
    if not PYTHON.exists():
        pytest.skip(".venv-site is not here: `make setup-site`")
    printed = [
        [0.0, "$ "],
        [1.0, "ls\r\n\x1b[1;32mdone\x1b[0m  <a&b>  end"],
        [2.0, "\rDONE\r\n1\r\n2\r\n"],
        [3.0, "last"],
    ]
    head = {"version": 2, "width": 20, "height": 4}
    cast = "\n".join(map(json.dumps, [head, *([at, "o", text] for at, text in printed)]))
    code = "import sys, terminal; print(terminal.rendered(sys.stdin.read(), 'T', 'A <text>'))"
    done = subprocess.run(
        [PYTHON, "-c", code],
        input=cast,
        cwd=ROOT / "deploy/site",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_film_has_each_line_once_and_a_picture_for_each_change(film):
    tree = parsed(film)
    assert tree.findtext(f"{SVG}desc") == "A <text>"
    lines = shown(film)
    assert lines == ["$", "$ ls", "done  <a&b>  end", "DONE  <a&b>  end", "1", "2", "last"]
    [done] = [each for each in tree.iter(f"{SVG}tspan") if each.text == "done"]
    assert done.get("class") == "green b"
    pictures = tree.findall(f".//{SVG}g[@id='f']/{SVG}g")
    names = {f"#{line.get('id')}": as_text(line) for line in tree.iter(f"{SVG}text")}
    seen = [[names[use.get("href")] for use in each] for each in pictures]
    assert seen[:2] == [["$"], ["$ ls", "done  <a&b>  end"]]
    # The first line has been scrolled out.
    assert seen[-1] == ["DONE  <a&b>  end", "1", "2", "last"]


@pytest.mark.slow
def test_a_film_stands_still_for_those_who_ask(film, tmp_path):
    page = tmp_path / "film.html"
    asked = "getComputedStyle(document.querySelector('#f'))"
    page.write_text(
        f"<body>{film}<p id=p></p><script>p.textContent = `is ${{{asked}.animationName}} "
        f"${{matchMedia('(prefers-reduced-motion: reduce)').matches}}`</script>"
    )
    assert "is f false" in page_in_browser(f"file://{page}", tmp_path)
    still = page_in_browser(f"file://{page}", tmp_path, "--force-prefers-reduced-motion")
    assert "is none true" in still
