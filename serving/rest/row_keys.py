"""The keys of rows, such as parts' numbers: the model doesn't see them, but samples have them."""

from typing import Any

from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request


def split_row_keys(rows: list[Any], key: str | None) -> tuple[list[Any], list[str] | None]:
    """Returns the rows without their key, and the keys; None where no row has one."""
    if key is None or not any(type(row) is dict and key in row for row in rows):
        return rows, None
    keys = [row.get(key) if type(row) is dict else None for row in rows]
    return [without(row, key) for row in rows], key_texts(keys)


def split_column_of_keys(
    columns: dict[str, Any], key: str | None
) -> tuple[dict[str, Any], list[str] | None]:
    """Returns the columns without the keys, and the keys; None where there are none."""
    if key is None or key not in columns:
        return columns, None
    return without(columns, key), key_texts(columns[key])


def without(row: Any, key: str) -> Any:
    """Returns a row, or an object of columns, without its key; anything else as it is."""
    if type(row) is not dict:
        return row
    return {name: value for name, value in row.items() if name != key}


def key_texts(keys: Any) -> list[str]:
    """Returns the keys as text, "" where one is missing.

    Raises:
      HttpError: they are no list of texts and whole numbers.
    """
    if type(keys) is not list or not set(map(type, keys)) <= {str, int, type(None)}:
        raise bad_request(
            f"JSON Value: {shown(keys)} is not a list of row keys; allowed: texts, whole numbers"
        )
    try:
        return ["" if each is None else str(each).encode().decode() for each in keys]
    except UnicodeEncodeError:
        raise bad_request("a row key holds half of a surrogate pair") from None
