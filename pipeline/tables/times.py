"""The times in a column: numbers as they are, or texts in ISO 8601 (UTC without an offset).

Of the forms of ISO 8601: a day or a month, and then perhaps a time of day and its offset. A blank
may take the place of the T, and `/` or `.` that of the hyphens.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# For RE2. The model reads by the same: `models/timestamps.py`.
TIME = (
    r"^\s*(?P<year>\d{4})[-/.]?(?P<month>0[1-9]|1[0-2]|[1-9])"
    r"(?:[-/.]?(?P<day>0[1-9]|[12]\d|3[01]|[1-9])(?:[Tt ](?P<hour>[01]\d|2[0-3]|\d)"
    r"(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d(?:\.\d+)?))?)?"
    r" ?(?:[Zz]|UTC|(?P<sign>[+-])(?P<hours>[01]\d|2[0-3])(?::?(?P<minutes>[0-5]\d))?)?)?)?\s*$"
)


def times(values: pa.Array, numbers: bool) -> np.ndarray:
    """Returns the times as float64, [rows], NaN where there is none; of texts in microseconds."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    return _spelt_numbers(values) if numbers else _instants(values)


def _spelt_numbers(texts: pa.Array) -> np.ndarray:
    # Half a second, and whoever splits by numbers has imported it anyway.
    import pandas as pd

    found = pd.to_numeric(texts.to_pandas(), errors="coerce")
    return found.to_numpy(np.float64, na_value=np.nan).copy()


def _instants(texts: pa.Array) -> np.ndarray:
    found = pc.extract_regex(texts, TIME)
    is_time = found.is_valid().to_numpy(zero_copy_only=False)
    parts = found.drop_null()
    year, month, day, hour, minute, hours, minutes = (
        _written(parts, name, pa.int64())
        for name in ("year", "month", "day", "hour", "minute", "hours", "minutes")
    )
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.maximum(day, 1) - 1
    east = np.where(pc.equal(parts.field("sign"), "-"), -1, 1)
    minute = 60 * hour + minute - east * (60 * hours + minutes)
    seconds = days.astype(np.int64) * 86_400 + 60 * minute + _written(parts, "second", pa.float64())
    # Otherwise it is the 30th of February.
    exists = days.astype("datetime64[M]") == months
    instants = np.full(len(texts), np.nan)
    instants[is_time] = np.where(exists, seconds * 1e6, np.nan)
    return instants


def _written(parts: pa.StructArray, name: str, kind: pa.DataType) -> np.ndarray:
    """Returns a part as numbers, 0 where it isn't written."""
    return pc.binary_join_element_wise("0", parts.field(name), "").cast(kind).to_numpy()
