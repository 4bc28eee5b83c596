"""What a set is."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Table:
    """Rows with a header, and which column is predicted."""

    rows: pd.DataFrame
    label: str
