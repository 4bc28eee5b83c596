r"""ML Metadata's PostgreSQL backend, mended in two paths.

It can't quote a backslash. What libpq makes of `a\b`, ` E'a\\b'`, it sends as `'E'a\\b'`: at best a
syntax error, and with a text that was written for it any SQL. So a character of Unicode's private
use stands for each backslash in the database, and nobody but this file sees it.

What it looks up by id comes in the order in which the rows happen to lie. TFX expects the order of
the ids, as from SQLite and MySQL: else it mixes up the outputs of a cached node.
"""

from typing import Any

import ml_metadata as mlmd
from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

BACKSLASH = "\\"
STAND_IN = "\ue05c"
# The field of the answer to each request that looks up by id.
_LOOK_UPS = {
    service.GetArtifactsByIDRequest: "artifacts",
    service.GetExecutionsByIDRequest: "executions",
    service.GetContextsByIDRequest: "contexts",
}

_make = mlmd.MetadataStore.__init__
_call = mlmd.MetadataStore._pywrap_cc_call


def install() -> None:
    """Mends each store that this process makes from now on, TFX's own ones too."""
    # Of a store that was made before this.
    mlmd.MetadataStore._in_postgresql = False
    mlmd.MetadataStore.__init__ = _make_noting
    mlmd.MetadataStore._pywrap_cc_call = _call_mended


def _make_noting(store: Any, config: Any, *args: Any, **kwargs: Any) -> None:
    _make(store, config, *args, **kwargs)
    connection = isinstance(config, pb.ConnectionConfig)
    store._in_postgresql = connection and config.HasField("postgresql")


def _call_mended(store: Any, method: Any, request: Message, response: Message) -> None:
    if not store._in_postgresql:
        _call(store, method, request, response)
        return
    sent = type(request)()
    sent.CopyFrom(request)
    replace(sent, BACKSLASH, STAND_IN)
    _call(store, method, sent, response)
    replace(response, STAND_IN, BACKSLASH)
    if type(request) in _LOOK_UPS:
        getattr(response, _LOOK_UPS[type(request)]).sort(key=lambda found: found.id)


def replace(message: Message, old: str, new: str) -> None:
    """Replaces `old` by `new` in each text in a message, however deep; keys of maps stay."""
    if old.encode() not in message.SerializeToString():
        return
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            _replace_in_map(value, old, new)
        elif field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else [value]:
                replace(each, old, new)
        elif field.type == field.TYPE_STRING and field.is_repeated:
            value[:] = [each.replace(old, new) for each in value]
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, value.replace(old, new))


def _replace_in_map(values: Any, old: str, new: str) -> None:
    for key in values:
        if isinstance(values[key], Message):
            replace(values[key], old, new)
        elif isinstance(values[key], str):
            values[key] = values[key].replace(old, new)
