r"""Two fixes of ML Metadata's PostgreSQL backend.

It does not escape backslashes. libpq's ` E'a\\b'` for `a\b` it sends as `'E'a\\b'`: at best a
syntax error, at worst SQL injection. So the database holds a character of Unicode's private use
area for each backslash, and only this file sees it.

Look-ups by id return rows in storage order. TFX expects them ordered by id, as from SQLite and
MySQL; otherwise it mixes up the outputs of a cached node.
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
    """Fixes every store that this process opens from now on, also those of TFX."""
    # For a store that was opened before.
    mlmd.MetadataStore._in_postgresql = False
    mlmd.MetadataStore.__init__ = _make_noting
    mlmd.MetadataStore._pywrap_cc_call = _call_fixed


def _make_noting(store: Any, config: Any, *args: Any, **kwargs: Any) -> None:
    _make(store, config, *args, **kwargs)
    connection = isinstance(config, pb.ConnectionConfig)
    store._in_postgresql = connection and config.HasField("postgresql")


def _call_fixed(store: Any, method: Any, request: Message, response: Message) -> None:
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
    """Replaces `old` by `new` in every string of a message, however deep, but not in map keys."""
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
