"""A server on 127.0.0.1 that gives out the tokens with which a registry of images lets people in.

The registry is told of it by `Tokens.auth`, and believes what has the signature of its key.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.http_stub import Handler, serving
from tests.image_registry import PASSWORD, USER

_SERVICE, _ISSUER = "images", "tests"


@dataclass
class Tokens:
    """The server; `logins` are the logins that were sent to it, `open` lets everybody in."""

    folder: Path
    realm: str = ""
    open: bool = False
    # What it answers instead of a token.
    instead: Any = None
    logins: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )

    def auth(self, realm: str = "") -> dict[str, str]:
        """Returns what the registry's settings say of it, or of a server elsewhere."""
        file = self.folder / "tokens.pem"
        file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        file.chmod(0o644)
        where = realm or self.realm
        names = {"service": _SERVICE, "issuer": _ISSUER, "rootcertbundle": str(file)}
        return {"realm": where, **names}

    def answer(self, query: dict[str, list[str]], login: str | None) -> Any:
        """Returns a token for what is asked, None where the login is wrong."""
        self.logins.append(login)
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if not self.open and login != f"Basic {right}":
            return None
        if self.instead is not None:
            return self.instead
        scopes = [scope.split(":") for scope in query.get("scope", [])]
        return {"token": self._signed(query["service"][0], scopes)}

    def _signed(self, service: str, scopes: list[list[str]]) -> str:
        now = int(time.time())
        certificate = self._certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(certificate).decode()]}
        claims = {
            **{"iss": _ISSUER, "sub": USER, "aud": service, "jti": str(now)},
            **{"iat": now, "nbf": now - 60, "exp": now + 300},
            "access": [
                {"type": kind, "name": name, "actions": actions.split(",")}
                for kind, name, actions in scopes
            ],
        }
        text = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_base64(signature)}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class _Handler(Handler):
    tokens: Tokens

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        answer = self.tokens.answer(query, self.headers.get("authorization"))
        self.send(401 if answer is None else 200, json.dumps(answer), "application/json")


@contextmanager
def tokens(folder: Path) -> Iterator[Tokens]:
    """Starts a server of tokens; the registry must be able to read `folder`."""
    known = Tokens(folder)
    with serving(_Handler, tokens=known) as url:
        known.realm = f"{url}/token"
        yield known
