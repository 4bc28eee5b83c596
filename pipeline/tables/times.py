"""The times in a column: numbers as they are, or texts in ISO 8601."""

import numpy as np
import pyarrow as pa


def times(values: pa.Array, numbers: bool) -> np.ndarray:
    """Returns the times as float64, [rows], NaN where there is none; of texts in microseconds."""
    if not pa.types.is_string(values.type):
        return values.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    # Half a second, which `beltline init` takes only where there are texts that look like times.
    import pandas as pd

    texts = values.to_pandas()
    if numbers:
        return pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
    found = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    instants = found.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(instants), np.nan, instants.astype(np.int64).astype(np.float64))
