"""What tells one ML Metadata database from others: each numbers its executions from 1 on."""

import secrets
from contextlib import suppress

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from beltline.runners.metadata.store import Lineage

_TYPE, _NAME, _ID = "beltline_database", "database", "id"


def identity(lineage: Lineage) -> str:
    """Returns the id of a database; the first caller gives it one."""
    store = lineage.store
    found = store.get_context_by_type_and_name(_TYPE, _NAME)
    if found is None:
        context = pb.Context(name=_NAME)
        context.type_id = store.put_context_type(pb.ContextType(name=_TYPE))
        context.custom_properties[_ID].string_value = secrets.token_hex(4)
        # Another node may be first.
        with suppress(errors.AlreadyExistsError):
            store.put_contexts([context])
        found = store.get_context_by_type_and_name(_TYPE, _NAME)
    return str(found.custom_properties[_ID].string_value)
