"""Hooks of MkDocs: pages from outside docs/, and links between them that hold on the site.

A link is written as it holds in the repository, relative to the file that it is in. On the site,
one to another page goes there, and one to a source file, which is no page, is its text alone.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OTHERS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "results.md",
    "data/README.md": "casting.md",
    "deploy/site/api.md": "api.md",
}
"""Pages from outside docs/, and what they are called on the site."""

_ASSETS = ("site.css", "iframe-worker.js")
_FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages from outside docs/, and what the browser loads beside the theme's files."""
    # MkDocs has an environment of its own, and the links below are tested without it.
    from mkdocs.structure.files import File

    for source, page in OTHERS.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    for name in _ASSETS:
        files.append(File.generated(config, name, abs_src_path=str(HERE / name)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Returns the page with links that hold on the site."""
    sources = {name: source for source, name in OTHERS.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return linked(markdown, source)


def linked(markdown: str, source: str) -> str:
    """Returns Markdown whose links are those of the site.

    Args:
      markdown: of a file of the repository.
      source: the file's path in it.
    """

    def link(match: re.Match[str]) -> str:
        text, target = match.groups()
        if ":" in target or target.startswith("#"):
            return match.group()
        path, mark, anchor = target.partition("#")
        page = place_of(posixpath.normpath(posixpath.join(posixpath.dirname(source), path)))
        return f"[{text}]({page}{mark}{anchor})" if page else text

    # Every second part is a block of code.
    parts = _FENCE.split(markdown)
    return "".join(part if n % 2 else _LINK.sub(link, part) for n, part in enumerate(parts))


def place_of(path: str) -> str:
    """Returns where a file of the repository is on the site; empty if it is not there."""
    if path in OTHERS:
        return OTHERS[path]
    folder, name = posixpath.split(path)
    page = folder == "docs" and name.endswith(".md")
    return path.removeprefix("docs/") if page or folder == "docs/images" else ""
