"""What names the rows of a request: a field besides the inputs, such as a part's number.

The model doesn't see it. It goes into the sampled requests, so that labels which arrive later can
be joined.
"""

from typing import Any

from beltline.serving.rest.errors import wrong
from beltline.serving.rest.json_document import shown


def from_rows(rows: list[Any], key: str | None) -> tuple[list[Any], list[str] | None]:
    """Returns the rows without the field, and what it says; None where no row has it.

    Raises:
      Refused: a row is named by something else than text or a whole number.
    """
    if key is None or not any(type(row) is dict and key in row for row in rows):
        return rows, None
    named = [row.get(key) if type(row) is dict else None for row in rows]
    return [_without(row, key) for row in rows], _texts(named)


def from_columns(columns: dict[str, Any], key: str | None) -> tuple[dict[str, Any], Any]:
    """Returns the columns without the field, and what it says; None where it isn't there.

    Raises:
      Refused: it is no list, or holds something else than texts or whole numbers.
    """
    if key is None or key not in columns:
        return columns, None
    return _without(columns, key), _texts(columns[key])


def _without(row: Any, key: str) -> Any:
    if type(row) is not dict:
        return row
    return {name: value for name, value in row.items() if name != key}


def _texts(values: Any) -> list[str]:
    if type(values) is not list or not set(map(type, values)) <= {str, int, type(None)}:
        raise wrong(f"JSON Value: {shown(values)} names no rows: use texts or whole numbers")
    try:
        return ["" if value is None else str(value).encode().decode() for value in values]
    except UnicodeEncodeError:
        raise wrong("A row is named by half of a surrogate pair") from None
