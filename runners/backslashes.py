r"""Keeps backslashes from ML Metadata's PostgreSQL backend, which can't quote them.

It takes ` E'a\\b'`, which libpq makes of `a\b`, for `'a\b'`, and sends `'E'a\\b'`: at best a syntax
error, and with a text that was written for it any SQL. So a character of Unicode's private use
stands for each backslash in the database, and nobody but this file sees it.
"""

from typing import Any

import ml_metadata as mlmd
from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2 as pb

BACKSLASH = "\\"
STAND_IN = "\ue05c"

_make = mlmd.MetadataStore.__init__
_call = mlmd.MetadataStore._pywrap_cc_call


def install() -> None:
    """Guards each store that this process makes from now on, TFX's own ones too."""
    mlmd.MetadataStore.__init__ = _make_guarded


def _make_guarded(store: Any, config: Any, *args: Any, **kwargs: Any) -> None:
    _make(store, config, *args, **kwargs)
    if isinstance(config, pb.ConnectionConfig) and config.HasField("postgresql"):
        store._pywrap_cc_call = lambda *call: _call_guarded(store, *call)


def _call_guarded(store: Any, method: Any, request: Message, response: Message) -> None:
    guarded = type(request)()
    guarded.CopyFrom(request)
    replace(guarded, BACKSLASH, STAND_IN)
    _call(store, method, guarded, response)
    replace(response, STAND_IN, BACKSLASH)


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
