"""Arrow columns of any type as columns of integers, floats or text.

Types that are none of these are read as they would be written: true/false, ISO dates and times
(UTC, ending in Z, where they have a zone), decimals digit by digit. A further type is one more case
in `plain`.
"""

import uuid

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from beltline.base.errors import WrongInput
from beltline.pipeline.tables.kinds import nan_is_missing

_WRITTEN_AS_TEXT = (
    types.is_boolean,
    types.is_string,
    types.is_large_string,
    types.is_string_view,
    types.is_date,
    types.is_time,
    types.is_timestamp,
    types.is_duration,
    types.is_decimal,
    types.is_uint64,
    types.is_null,
)


def plain(source: object, name: str, values: pa.Array, advice: str) -> pa.Array:
    """Returns the values of the column `name` as an array of integers, float64 or strings.

    Raises WrongInput, which ends in `advice`, for a column of lists, structures or bytes.
    """
    if isinstance(values.type, pa.BaseExtensionType):
        values = _storage(values)
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_timestamp(values.type) and values.type.tz:
        instant = pc.cast(values, pa.timestamp(values.type.unit))
        return pc.binary_join_element_wise(pc.cast(instant, pa.string()), "Z", "")
    if any(is_type(values.type) for is_type in _WRITTEN_AS_TEXT):
        return pc.cast(values, pa.string())
    if types.is_floating(values.type):
        return nan_is_missing(pc.cast(values, pa.float64()))
    if types.is_integer(values.type):
        return values
    raise WrongInput(
        f"{source}: column {name!r} holds {values.type}, which is not a single value; {advice}"
    )


def _storage(values: pa.ExtensionArray) -> pa.Array:
    if values.type.extension_name != "arrow.uuid":
        return values.storage
    written = [
        None if each is None else str(uuid.UUID(bytes=each)) for each in values.storage.to_pylist()
    ]
    return pa.array(written, pa.string())
