"""How a notebook shows what the API returns: the sections of a run's report, and small tables.

The report's styles apply within one element. Its colours are the notebook's own ink at several
strengths, and a few that can be read on light and on dark, as a notebook's theme need not be that
of the system.
"""

import json
import re
from datetime import datetime
from itertools import count
from typing import Any

from markupsafe import Markup

from beltline.runners.report import RunReport, page

_COLOURS = """
--ink: currentColor; --mark: currentColor; --paper: transparent;
--soft: color-mix(in srgb, currentColor 72%, transparent);
--line: color-mix(in srgb, currentColor 25%, transparent);
--back: color-mix(in srgb, currentColor 8%, transparent);
--bar: #3b82d0; --other: #c47a1e; --third: #808895; --bad: #d1453b; --good: #2e9160;
--bad-back: color-mix(in srgb, #d1453b 14%, transparent);
--good-back: color-mix(in srgb, #2e9160 14%, transparent);
overflow-wrap: anywhere;
"""
# What is about the page as a whole: its own colours for themes and paper, its margins.
_OF_PAGE = re.compile(
    r"^(?:@media [^{]*\{(?:[^{}]*\{[^{}]*\})*|(?::root|\*|body|main) \{[^{}]*)\s*\}\n?", re.M
)
_NAMED = re.compile(r'(?<= )(id|aria-labelledby|aria-describedby)="([^"]*)"')
_numbers = count(1)


def sections(report: RunReport, *names: str) -> str:
    """Returns sections of a report as HTML for a notebook.

    Args:
      report: what they show.
      names: the names of their templates in runners/report/templates.
    """
    return _framed(page.sections(report, names))


def template(name: str, **values: Any) -> str:
    """Returns one of this package's templates as HTML for a notebook."""
    environment = page.environment(__package__)
    environment.filters |= {"time": time, "number": number, "text": text}
    return _framed(environment.get_template(name).render(values))


def missing(report: RunReport, section: str) -> str:
    """Returns why a section of a report is empty, for people."""
    return report.missing.get(section, f"nothing to show ({section})")


def number(value: float | None) -> str:
    """Returns a metric as text; a dash where it isn't known."""
    return "-" if value is None else f"{value:,.4f}".removesuffix(".0000")


def time(value: datetime | None) -> str:
    """Returns a time as text, in the time zone of this machine; a dash where it isn't known."""
    return f"{value.astimezone():%Y-%m-%d %H:%M:%S}" if value else "-"


def text(value: Any) -> str:
    """Returns a value as text: JSON, unless it is a text already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _framed(html: str) -> str:
    """Returns HTML with its styles, and with ids that nothing else in the notebook has."""
    own = f"beltline-{next(_numbers)}"

    def renamed(found: re.Match[str]) -> str:
        names = " ".join(f"{own}-{name}" for name in found[2].split())
        return f'{found[1]}="{names}"'

    style = f".beltline {{{_COLOURS}{_OF_PAGE.sub('', page.style())}}}"
    return Markup(  # noqa: S704 - both templates escaped what they were given
        f'<div class="beltline"><style>{style}</style>{_NAMED.sub(renamed, html)}</div>'
    )
