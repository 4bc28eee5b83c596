"""The section `predict`: what it takes, and what is refused."""

import pytest

from beltline.pipeline.predictions.output import check_format
from beltline.pipeline.settings.predict import SUFFIXES
from beltline.pipeline.settings.reading import read_project
from tests.pipeline.components.small import write
from tests.pipeline.settings.wrong import with_lines, wrong


def section(*lines):
    return with_lines("predict:", *(f"  {line}" for line in lines))


def test_without_the_section_nothing_is_predicted(tmp_path):
    assert read_project(write(tmp_path)).settings.predict is None
    assert read_project(write(tmp_path, with_lines("predict:"))).settings.predict is None


def test_files_or_a_query(tmp_path):
    text = section("path: in/{SPAN}.csv", "span: 7", "output: out/{SPAN}.csv", "keep: [part]")
    found = read_project(write(tmp_path, text)).settings
    assert found.predict and not found.has_query
    assert (found.predict.path, found.predict.span) == ("in/{SPAN}.csv", "7")
    assert (found.predict.output, found.predict.keep) == ("out/{SPAN}.csv", ["part"])
    text = section("source: sql", "query: SELECT 1", "output: p.parquet")
    found = read_project(write(tmp_path, text)).settings
    assert found.predict and found.has_query
    assert (found.predict.query, found.predict.keep) == ("SELECT 1", None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_can_be_written(tmp_path, suffix):
    check_format(tmp_path / f"p{suffix}")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path: a.csv",), "14: predict.output: required key is missing"),
        (("output: p.csv",), "predict.path: is required with `source: files`"),
        (("source: sql", "output: p.csv"), "predict.query: is required with `source: sql`"),
        (
            ("path: a.csv", "query: SELECT 1", "output: p.csv"),
            "predict.query: can't be combined with `source: files`",
        ),
        (
            ("path: a.csv", "output: p.xlsx"),
            "16: predict.output: 'p.xlsx' must end in .parquet or .csv",
        ),
        (("path: a.csv", "output: out/"), "'out/' must end in .parquet or .csv"),
        (("path: a.csv", "output: ''"), "'' must end in .parquet or .csv"),
        (("path: a.csv", "output: p.csv.gz"), "must end in .parquet or .csv"),
        (("path: a.csv", "output: p.CSV"), "must end in .parquet or .csv"),
        (("path: a.csv", "output: 7"), "predict.output: must be a string, got 7; quote it"),
        (
            ("path: a.csv", "output: '{YYYY}.csv'"),
            "predict.output: '{YYYY}.csv': unknown placeholder {YYYY}: only {SPAN} is allowed",
        ),
        (("path: a.csv", "output: '{SPAN.csv'"), "unknown placeholder {SPAN.csv"),
        (("path: a.csv", "output: p.csv", "keep: []"), "predict.keep: List should have at least 1"),
        (("path: a.csv", "output: p.csv", "keep: part"), "predict.keep: "),
        (("path: a.csv", "output: p.csv", "span: newest"), "predict.span: "),
        (
            ("path: a.csv", "outputs: p.csv", "output: p.csv"),
            "predict.outputs: unknown key; did you mean 'output'?",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, lines, message):
    assert message in wrong(write(tmp_path, section(*lines)))


def test_a_database_for_airflow_may_be_that_of_the_predictions(tmp_path):
    airflow = "airflow: {database_connection: ledger}"
    assert "requires `data.source: sql` or `predict.source: sql`" in wrong(
        write(tmp_path, with_lines(airflow))
    )
    text = section("source: sql", "query: SELECT 1", "output: p.csv") + airflow + "\n"
    assert read_project(write(tmp_path, text)).settings.airflow.database_connection == "ledger"
