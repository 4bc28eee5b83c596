"""Texts that hold times, as numbers. The graph reads them as `pipeline/tables/times.py` does."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from beltline.models.features import Part
from beltline.models.tables import side_by_side

TIME = (
    r"^\s*(?P<year>\d{4})[-/.]?(?P<month>0[1-9]|1[0-2]|[1-9])"
    r"(?:[-/.]?(?P<day>0[1-9]|[12]\d|3[01]|[1-9])(?:[Tt ](?P<hour>[01]\d|2[0-3]|\d)"
    r"(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d(?:\.\d+)?))?)?"
    r" ?(?:[Zz]|UTC|(?P<sign>[+-])(?P<hours>[01]\d|2[0-3])(?::?(?P<minutes>[0-5]\d))?)?)?)?\s*$"
)
_DAY = 86_400.0
_MARCH_0 = 719_468  # days from the 1st of March of the year 0 to 1970


def timestamp_numbers(
    inputs: Mapping[str, Any], timestamps: Mapping[str, tuple[Part, ...]]
) -> tf.Tensor:
    """Returns the parts of each column in turn, `[n, parts]`; NaN where there is no time."""
    seconds = instants(side_by_side([inputs[name] for name in timestamps], tf.string, ""))
    days = seconds // _DAY
    found: dict[Part, tf.Tensor] = {
        "hour": seconds % _DAY / 3600,
        "weekday": (days + 3) % 7 + 1,
        "month": _month(days),
        # Since 2000, as a float32 has 7 digits.
        "age": seconds / _DAY - 10_957,
    }
    columns = [found[part][:, i] for i, parts in enumerate(timestamps.values()) for part in parts]
    return tf.cast(tf.stack(columns, axis=1), tf.float32)


def instants(texts: tf.Tensor) -> tf.Tensor:
    """Returns the seconds since 1970 in UTC, float64; NaN where a text is no time."""
    is_time = tf.strings.regex_full_match(texts, TIME)
    texts = tf.where(is_time, texts, "197001")
    # What isn't written is 0.
    year, month, day, hour, minute, second, hours, minutes = (
        _number(texts, rf"0\{group}") for group in (1, 2, 3, 4, 5, 6, 8, 9)
    )
    year -= tf.cast(month < 3, tf.float64)
    days = 365 * year + year // 4 - year // 100 + year // 400 - _MARCH_0
    days += (153 * ((month + 9) % 12) + 2) // 5 + tf.maximum(day, 1) - 1
    minute -= _number(texts, r"\71") * (60 * hours + minutes)
    # Otherwise it is the 30th of February.
    exists = is_time & (_month(days) == month)
    return tf.where(exists, days * _DAY + 3600 * hour + 60 * minute + second, float("nan"))


def _number(texts: tf.Tensor, group: str) -> tf.Tensor:
    return tf.strings.to_number(tf.strings.regex_replace(texts, TIME, group), tf.float64)


def _month(days: tf.Tensor) -> tf.Tensor:
    day = (days + _MARCH_0) % 146_097
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    return ((5 * (day - 365 * year - year // 4 + year // 100) + 2) // 153 + 2) % 12 + 1
