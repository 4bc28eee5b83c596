"""Predictions in this process: the reader, the encoder and the session of `beltline predict`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beltline.base.errors import WrongInput
from beltline.pipeline.predictions.batch import kept_columns, kinds_of
from beltline.pipeline.predictions.scoring import VERSION, Scoring
from beltline.pipeline.tables import units
from beltline.versions.folder import Version

if TYPE_CHECKING:
    import pandas as pd

_ROWS = "rows"
_ROW = "(row)"


def answers(version: Version, table: pa.Table) -> "pd.DataFrame":
    """Returns a version's answers to the rows of a table, in their order.

    The rows go through a file: what a value means is said by the reader of tables, once for all.

    Args:
      version: its files are on this machine.
      table: the rows; columns that the version doesn't read are ignored.

    Raises:
      WrongInput: a column is missing, or a value is not of its column's kind.
      ModelFailed, WrongValues: the model does not answer.
    """
    kinds = kinds_of(version)
    kept_columns(table.column_names, kinds, [], _ROWS)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        try:
            numbered = table.select(list(kinds)).append_column(_ROW, pa.array(range(len(table))))
            pq.write_table(numbered, file)
            # One column at least is kept beside the answers.
            scoring = Scoring(version, kinds, [_ROW], folder)
            for unit in enumerate(units([file])):
                scoring.write(unit)
        except WrongInput as error:
            raise WrongInput(str(error).replace(str(file), _ROWS)) from None
        except pa.ArrowException as error:
            raise WrongInput(f"{_ROWS}: {error}") from None
        file.unlink()
        found = pa.concat_tables(
            pq.read_table(part) for part in sorted(Path(folder).glob("*.parquet"))
        )
    frame: pd.DataFrame = found.drop_columns([VERSION, _ROW]).to_pandas()
    return frame
