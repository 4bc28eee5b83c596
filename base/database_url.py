"""The URL of a database in the environment: parsed, checked, and shown without secrets.

`sqlite:///FILE` (always an absolute path), `mysql://USER:PASSWORD@HOST:PORT/NAME` or
`postgresql://…`. Airflow's and SQLAlchemy's `postgres://…`, `mysql+…://…` and `postgresql+…://…`
mean the same. To support a further kind, add its port to `_PORTS`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from beltline.base.errors import WrongInput

# The variable that names the database of a query.
DATABASE = "BELTLINE_DATABASE"

Kind = Literal["sqlite", "mysql", "postgresql"]

_KINDS: dict[str, Kind] = {"mysql": "mysql", "postgresql": "postgresql", "postgres": "postgresql"}
_PORTS: dict[Kind, int] = {"mysql": 3306, "postgresql": 5432}
# Up to the last @: whoever has not quoted a password's own @, / or # must not see it printed.
_PASSWORD = re.compile(r"(://[\w.%+~-]*[^\w.%+~/@-]).*@", re.DOTALL)
_ONLY_USER = re.compile(r"[\w+.-]+://[\w.%+~-]*@[^@]*")
# Nor must whoever has mistyped what is around it: `mysql//me:PASSWORD@host`, or has left out the @.
_MISTYPED = re.compile(r"^(\s*(?:[\w+.-]+:)?[^:]*?[^:/@]*:).*@", re.DOTALL)
_WITHOUT_HOST = re.compile(r"(//[^:/@]*:)(?!\d*(?:[/?#]|$)).*", re.DOTALL)
_PASSWORD_OPTION = re.compile(r"([?&][^=&]*password[^=&]*=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class DatabaseUrl:
    """A parsed URL: of a SQLite file only `file` is set, of a server everything else.

    `text` is the URL itself, and `options` the parameters after its question mark.
    """

    kind: Kind
    text: str = field(repr=False)
    file: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return shown(self.text)

    def without_secrets(self, message: str) -> str:
        """Returns a library's message without the password, quoted or not."""
        raw = urlsplit(self.text).password if self.file is None else None
        secrets = {self.password, raw or ""}
        secrets |= {value for name, value in self.options.items() if "password" in name.lower()}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            message = message.replace(secret, "…")
        return message


def read_url(text: str, variable: str) -> DatabaseUrl:
    """Returns the parsed URL of an environment variable.

    Args:
      text: the value of the variable.
      variable: its name, for the message.

    Raises:
      WrongInput: its form is unknown, or it names no database. The message hides the password.
    """
    file = sqlite_file(text)
    found = DatabaseUrl("sqlite", text, file=file) if file else _server(text)
    if found is None:
        raise WrongInput(
            f"{variable}={shown(text)}: must be sqlite:///FILE, "
            "mysql://USER:PASSWORD@HOST/NAME or postgresql://USER:PASSWORD@HOST/NAME "
            "(with %40, %2F and %23 for @, / and # in the password)"
        )
    return found


def _server(text: str) -> DatabaseUrl | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    kind = _KINDS.get(parts.scheme.partition("+")[0])
    name = unquote(parts.path.strip("/"))
    if not (kind and parts.hostname and name):
        return None
    return DatabaseUrl(
        kind,
        text,
        host=parts.hostname,
        port=port or _PORTS[kind],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=name,
        options=dict(parse_qsl(parts.query)),
    )


def sqlite_file(url: str) -> Path | None:
    """Returns the file that `sqlite:///…` names; None for any other URL."""
    # Not by way of urlsplit: a folder's name may hold a '#' or a '?'.
    path = url.removeprefix("sqlite://")
    return Path("/" + path.lstrip("/")) if path != url and path.strip("/") else None


def shown(url: str) -> str:
    """Returns the URL with … instead of the password, also where the URL is mistyped."""
    if sqlite_file(url) or _ONLY_USER.fullmatch(url):
        hidden = url
    elif "@" not in url:
        hidden = _WITHOUT_HOST.sub(r"\1…", url)
    else:
        pattern = _PASSWORD if _PASSWORD.search(url) else _MISTYPED
        hidden = pattern.sub(r"\1…@", url)
    return _PASSWORD_OPTION.sub(r"\1…", hidden)
