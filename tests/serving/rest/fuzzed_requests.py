"""Requests made by chance from valid ones: their JSON, bytes, headers, framing and size changed.

All chance comes from the `Random` that is passed in, so the same seed makes the same request.
"""

import base64
import copy
import gzip
import json
import math
import zlib
from random import Random
from typing import Any

# As tests/serving/rest/test_predict.py has it, whose imports take seconds.
ROW = {"temp": 0.5, "die temp": -1, "mold": "M1"}

_MODEL = "/v1/models/line"
_EXAMPLES = {"examples": [ROW, ROW]}
_TENSORS = [
    {"name": "temp", "shape": [2], "datatype": "FP32", "data": [0.5, None]},
    {"name": "die temp", "shape": [2, 1], "datatype": "INT64", "data": [[1], [-1]]},
    {"name": "mold", "shape": [2], "datatype": "BYTES", "data": ["M1", ""]},
]
_CALLS: tuple[tuple[str, Any], ...] = (
    (":predict", {"instances": [ROW]}),
    (":predict", {"instances": [ROW | {"mold": None}, ROW | {"cast_at": "2026-01-01"}]}),
    (":predict", {"inputs": {name: [value] for name, value in ROW.items()}}),
    (":predict", {"signature_name": "single", "instances": [1.5, 2]}),
    (":predict", {"signature_name": "matrix", "instances": [[1, 2], [3, 4]]}),
    (":predict", {"signature_name": "matrix", "inputs": [[1, 2]]}),
    (":predict", {"signature_name": "picture", "instances": [{"b64": "aGVsbG8="}]}),
    (":predict", {"signature_name": "examples", "instances": [{"b64": "CgA="}]}),
    (":classify", _EXAMPLES),
    (":classify", _EXAMPLES | {"context": {"mold": "M2"}}),
    (":regress", _EXAMPLES | {"signature_name": "regress"}),
    ("/versions/1:predict", {"instances": [ROW]}),
    ("/labels/live:regress", _EXAMPLES),
    ("/v2/models/line/infer", {"id": "7", "inputs": _TENSORS}),
    ("/v2/models/line/versions/1/infer", {"inputs": _TENSORS, "outputs": [{"name": "class"}]}),
    ("/v2/models/line/infer", {"inputs": _TENSORS, "parameters": {"binary_data_output": True}}),
)
_PAGES = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/start.js"]
_PAGES += [_MODEL, f"{_MODEL}/metadata", f"{_MODEL}/versions/1", "/v1/models/other", "/docs/x"]
_PAGES += [
    "/v2",
    "/v2/health/ready",
    "/v2/models/line",
    "/v2/models/line/ready",
    "/v2/models/other",
]
_METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get"]
_LEAVES = [None, True, False, 0, -1, 2**31, 2**63, -(2**64), 10**40, 0.1, 1e308, 5e-324, -0.0]
_LEAVES += [math.nan, math.inf, -math.inf, "", "NA", "nan", "1e999", "48.9", "\0", "\ud800"]
_LEAVES += ["\u202e\x1b[2J", "é" * 40, "𝄞", "a" * 3_000, [], {}, {"b64": "***"}, {"b64": 1}]
_NAMES = ["temp", "die temp", "die_temp", "mold", "mould", "part", "b64", "instances", "inputs"]
_NAMES += ["examples", "context", "signature_name", "", "\ud800", "a" * 500]
_PIECES = [
    b"",
    b"\0",
    b"[",
    b"{",
    b'"',
    b"\\u",
    b"\xff\xfe",
    b"NaN",
    b"1e9",
    b",",
    b":",
    b"}",
    b"]",
]
_WIRE = [
    *_PIECES,
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"0",
    b"HTTP/1.0",
    b"%",
    b"\x80",
]
_HEADERS = [
    *(b"Inference-Header-Content-Length: %b" % size for size in (b"7", b"-1", b"1e3", b"99999999")),
    *(b"Content-Length: 0", b"Content-Length: 7", b"Content-Length: -1", b"Content-Length: 1e3"),
    *(b"Content-Length: 18446744073709551616", b"Transfer-Encoding: chunked"),
    *(b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"TE: trailers"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Encoding: GZIP "),
    *(b"Content-Type: text/plain", b"Content-Type: \xff", b"Accept: nothing/*;q=x"),
    *(b"Expect: 100-continue", b"Expect: 200-ok", b"Upgrade: h2c", b"Connection: Upgrade"),
    *(b"Connection: upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAARAAAAA"),
    *(b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Connection: close", b"Keep-Alive: x"),
    *(b"Origin: http://elsewhere.example", b"Origin: null", b"Sec-Fetch-Site: cross-site"),
    *(b"Host: [::1", b"Host:", b"Host: x:99999", b"Authorization: Bearer \xe9", b"Range: bytes=0-"),
    *(b"X: " + b"y" * 9_000, b"Cookie: " + b"a=b; " * 2_000, b" folded: line", b"No colon", b": x"),
]
_LARGEST = 18 * 2**20


def request(chance: Random) -> bytes:
    """Returns one request as its bytes on the wire, up to 18 MiB."""
    if chance.random() < 0.2:
        method, path, body = "GET", chance.choice(_PAGES), b""
    else:
        call, document = chance.choice(_CALLS)
        path = call if call.startswith("/v2/") else _MODEL + call
        method, body = "POST", _body(chance, document)
    if chance.random() < 0.05:
        method = chance.choice(_METHODS)
    if chance.random() < 0.1:
        path = _path(chance, path)
    lines = [f"{method} {path} HTTP/1.1".encode("utf-8", "surrogatepass"), b"Host: x"]
    if chance.random() < 0.06:
        body, encoding = _encoded(chance, body)
        lines.append(encoding)
    body, framing = _framed(chance, body, bare=method == "GET")
    lines += framing
    if chance.random() < 0.15:
        for _ in range(chance.randint(1, 3)):
            lines.insert(chance.randint(1, len(lines)), chance.choice(_HEADERS))
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    if chance.random() < 0.05:
        head = edited(chance, head, _WIRE)
    return head + body


def edited(chance: Random, data: bytes, pieces: list[bytes] = _WIRE) -> bytes:
    """Returns the bytes with one to four places cut or replaced."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        changed[place : place + chance.randint(0, 4)] = chance.choice(pieces)
    return bytes(changed)


def _body(chance: Random, document: Any) -> bytes:
    if chance.random() < 0.004:
        return _large(chance)
    document = json.loads(json.dumps(document))
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
        _change(chance, document)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    body = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.15:
        # With such a token another parser reads it.
        body = body.replace(b"1", chance.choice([b"NaN", b"-Infinity", b"1, NaN"]), 1)
    if chance.random() < 0.2:
        body = edited(chance, body, _PIECES)
    if chance.random() < 0.03:
        digits = b"9" * chance.choice([20, 400, 4_299, 4_301, 9_000])
        body = body.replace(b"1", digits, 1)
    if chance.random() < 0.01:
        depth = chance.choice([900, 1_100, 20_000])
        value = chance.choice([b"1", b"NaN", b'"a"'])
        body = body.replace(b": ", b": " + b"[" * depth + value + b"]" * depth + b", ", 1)
    if chance.random() < 0.02:
        codec = chance.choice(["utf-16", "utf-8-sig", "utf-32"])
        body = text.encode(codec, "surrogatepass")
    return body


def _change(chance: Random, document: Any) -> None:
    """Changes one place of a document: its value, its name, how deep or how often it is there."""
    places = list(_places(document))
    if not places:
        return
    container, key = chance.choice(places)
    what = chance.randrange(7)
    if what <= 2:
        container[key] = _anything(chance)
    elif what == 3:
        del container[key]
    elif what == 4:
        for _ in range(chance.choice([1, 3, 50])):
            container[key] = [container[key]]
    elif isinstance(container, list):
        container += [container[key]] * chance.choice([1, 5, 50])
    elif what == 5:
        container[chance.choice(_NAMES)] = container.pop(key)
    else:
        container[chance.choice(_NAMES)] = _anything(chance)


def _places(value: Any) -> Any:
    """Yields each container with each of its keys; not below what `_change` has nested."""
    stack = [value]
    while stack and len(stack) < 1_000:
        found = stack.pop()
        if isinstance(found, dict | list):
            keys = list(found) if isinstance(found, dict) else range(min(len(found), 20))
            yield from ((found, key) for key in keys)
            stack += [found[key] for key in keys]


def _anything(chance: Random, depth: int = 0) -> Any:
    what = chance.randrange(10)
    if what < 6 or depth == 3:
        return copy.deepcopy(chance.choice(_LEAVES))
    if what == 6:
        return chance.choice([-1, 1]) * chance.getrandbits(chance.randint(1, 80))
    if what == 7:
        return "".join(chr(chance.randrange(0x3000)) for _ in range(chance.randint(0, 30)))
    if what == 8:
        return [_anything(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    return {
        chance.choice(_NAMES): _anything(chance, depth + 1) for _ in range(chance.randint(0, 4))
    }


def _large(chance: Random) -> bytes:
    """Returns a body of 10 kB to 18 MiB, most of them far below the most."""
    row = json.dumps(ROW).encode()
    piece = chance.choice(
        [b"[]", b"{}", b'{"":{}}', b"1", b"NaN", b'"a"', b'"\\\\"', row, row, row]
    )
    size = int(10 ** chance.uniform(4, math.log10(_LARGEST)))
    rows = b",".join([piece] * (size // (len(piece) + 1)))
    form = chance.choice([b'{"instances": [%b]}', b'{"examples": [%b]}', b"[%b", b'{"x": [[%b]]}'])
    return form % rows


def _encoded(chance: Random, body: bytes) -> tuple[bytes, bytes]:
    """Returns a body that is compressed, or said to be, and the header that says so."""
    what = chance.randrange(4)
    if what == 0:
        return zlib.compress(body), b"Content-Encoding: gzip"
    if what == 1:
        return base64.b64encode(body), chance.choice(_HEADERS)
    if what == 2 and chance.random() < 0.2:
        body = b" " * chance.choice([2**20, 2**24 + 1, 2**26])
    packed = gzip.compress(body, 1)
    return (packed if what == 2 else edited(chance, packed)), b"Content-Encoding: gzip"


def _framed(chance: Random, body: bytes, bare: bool) -> tuple[bytes, list[bytes]]:
    """Returns the body as it is sent, and the headers that say where it ends."""
    if bare and not body:
        return b"", []
    if chance.random() < 0.85:
        wrong = chance.choice([-1, 1, 5]) if chance.random() < 0.03 else 0
        return body, [b"Content-Length: %d" % max(len(body) + wrong, 0)]
    parts = []
    while body:
        size = chance.randint(1, max(1, len(body) // chance.randint(1, 20)))
        extension = b";a=b" if chance.random() < 0.05 else b""
        parts.append(b"%x%b\r\n%b\r\n" % (size, extension, body[:size]))
        body = body[size:]
    trailer = b"X: y\r\n" if chance.random() < 0.1 else b""
    sent = b"".join(parts) + b"0\r\n" + trailer + b"\r\n"
    if chance.random() < 0.1:
        sent = edited(chance, sent)
    return sent, [b"Transfer-Encoding: chunked"]


def _path(chance: Random, path: str) -> str:
    what = chance.randrange(6)
    if what == 0:
        return path.upper()
    if what == 1:
        return "".join(f"%{ord(each):02x}" if chance.random() < 0.3 else each for each in path)
    if what == 2:
        return path + chance.choice(
            ["?a=b", "#x", "/", "//", "/..", "%00", "%ff", "é", "a" * 9_000]
        )
    if what == 3:
        return chance.choice(
            ["*", "http://other/healthz", "//x/y", "/%2e%2e/etc/passwd", "x:1", ""]
        )
    if what == 4:
        return path.replace("1", chance.choice(["9" * 30, "-1", "0", "1.0", "9" * 5_000]))
    return edited(chance, path.encode()).decode("latin-1")
