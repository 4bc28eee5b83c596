"""TFX's CsvExampleGen and ours on the same awkward files, as the table in docs/data.md says."""

from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.components.example_gen.csv_example_gen.executor import Executor
from tfx.types import standard_component_specs

from beltline.pipeline.engine import BEAM_ARGS
from tests.pipeline.components.generated import generate, rows_of, values_of
from tests.pipeline.tables.csv_cases import CASES

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[3] / "docs" / "data.md"


def stock(folder):
    """The rows that the source of TFX's executor gives."""
    properties = {standard_component_specs.INPUT_BASE_KEY: str(folder)}
    with beam.Pipeline(argv=list(BEAM_ARGS)) as pipeline:
        _ = (
            pipeline
            | Executor().GetInputSourceToExamplePTransform()(properties, "*.csv")
            | beam.Map(lambda example: example.SerializeToString())
            | beam.io.WriteToTFRecord(str(folder / "stock"))
        )
    files = sorted(str(file) for file in folder.glob("stock*"))
    return [values_of(record) for record in tf.data.TFRecordDataset(files).as_numpy_iterator()]


def ours(folder):
    return rows_of(generate(folder / "ours", folder, kinds={}))


def outcome(read, folder):
    """What a reader makes of the files: rows by their number, or the error's text."""
    try:
        rows = read(folder)
    except Exception as error:
        return str(error)
    plain = [
        {name: v.decode() if isinstance(v, bytes) else v for name, (_, v) in sorted(row.items())}
        for row in rows
    ]
    return sorted(plain, key=lambda row: row.get("id", 0))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("reader", [stock, ours])
def test_a_file_gives_what_the_table_says(tmp_path, name, reader):
    case = CASES[name]
    for number, content in enumerate(case.files):
        (tmp_path / f"{number}.csv").write_bytes(content)
    wanted, got = getattr(case, reader.__name__), outcome(reader, tmp_path)
    if isinstance(wanted, str):
        assert isinstance(got, str)
        assert wanted in got
    else:
        # To the type, NaN, and the sign of zero.
        assert repr(got) == repr([dict(sorted(row.items())) for row in wanted])


def test_the_docs_have_a_line_for_each_case():
    text = DOCS.read_text(encoding="utf-8")
    section = text.partition("## Beside TFX's CsvExampleGen\n")[2].partition("\n## ")[0]
    lines = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    cells = {line[0].removeprefix("| ").strip(): line[1:] for line in lines}
    assert list(cells) == list(CASES)
    for name, case in CASES.items():
        said = cells[name][1].strip(" |")
        assert (said == "the same") == (repr(case.stock) == repr(case.ours)), name
