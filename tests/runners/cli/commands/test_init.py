import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import read_project
from beltline.runners.cli.commands.init import init

ROOT = Path(__file__).parents[4]


def run(*arguments):
    return CliRunner().invoke(init, [str(argument) for argument in arguments])


def rows(number, header="part_id,temp,mold,scrap"):
    body = (f"{i},{i * 7 % 31 / 3},M{i % 3},{'no' if i % 5 else 'yes'}" for i in range(number))
    return "\n".join([header, *body]) + "\n"


def test_the_written_project_reads_back(tmp_path):
    data = tmp_path / "in" / "casting line.csv"
    data.parent.mkdir()
    data.write_text(rows(100))
    result = run(data, "--label", "scrap", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    project = read_project(tmp_path / "out" / "pipeline.yaml")
    assert project.settings.name == "casting-line"
    assert project.resolve(project.settings.data.path).resolve() == data.resolve()
    assert project.resolve(project.settings.schema_file).is_file()
    assert project.settings.features.exclude == ["part_id"]
    assert "part_id: id: it numbers the rows" in result.output
    assert f"wrote      {tmp_path / 'out' / 'pipeline.yaml'}" in result.output


def test_without_a_label_the_columns_to_choose_from_are_listed(tmp_path):
    (tmp_path / "a.csv").write_text(rows(100))
    result = run(tmp_path / "a.csv")
    assert result.exit_code == 2
    assert "--label names the column to predict: one of 'part_id', 'temp', 'mold'," in result.output
    wide = ",".join(f"c{number}" for number in range(50))
    (tmp_path / "wide.csv").write_text(f"{wide}\n{wide}\n")
    assert "'c39' and 10 more" in run(tmp_path / "wide.csv").output


def test_it_ends_with_the_command_that_comes_next(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text(rows(100))
    monkeypatch.chdir(tmp_path)
    ended = run("a.csv", "--label", "scrap").output.splitlines()
    assert ended[-1] == "next       beltline run"
    ended = run("a.csv", "--label", "scrap", "-o", "line 7").output.splitlines()
    assert ended[-1] == "next       cd 'line 7' && beltline run"


def test_the_current_folder_is_the_default(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text(rows(100))
    monkeypatch.chdir(tmp_path)
    assert run("a.csv", "--label", "scrap", "--name", "line7").exit_code == 0
    settings = read_project(tmp_path / "pipeline.yaml").settings
    assert (settings.name, settings.data.path) == ("line7", "a.csv")
    assert (tmp_path / "schema" / "line7.pbtxt").is_file()


def test_nothing_is_replaced_unless_asked(tmp_path):
    data = tmp_path / "a.csv"
    data.write_text(rows(100))
    (tmp_path / "pipeline.yaml").write_text("mine")
    result = run(data, "--label", "scrap", "-o", tmp_path)
    assert isinstance(result.exception, WrongInput)
    assert (tmp_path / "pipeline.yaml").read_text() == "mine"
    assert run(data, "--label", "scrap", "-o", tmp_path, "--overwrite").exit_code == 0
    assert read_project(tmp_path / "pipeline.yaml").settings.name == "a"


def test_parquet_in_a_folder(tmp_path):
    for part in range(2):
        table = pa.table(
            {"x": [i * 7 % 31 / 3 + part for i in range(60)], "bad": [True, False] * 30}
        )
        pq.write_table(table, tmp_path / f"part-{part}.parquet")
    result = run(tmp_path, "--label", "bad", "-o", tmp_path / "out")
    assert "120 rows, 2 columns" in result.output
    label = read_project(tmp_path / "out" / "pipeline.yaml").settings.label
    assert (label.task, label.positive) == ("binary", "true")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("part_id,temp,mold,scrap\n", "no rows"),
        (rows(30) + "1,2\n", "line 32: 2 fields where the header has 4"),
        (rows(30, "a,a,mold,scrap"), "more than once: 'a'"),
        (rows(30, "part_id,temp,mold,label"), "no column 'scrap'"),
        (rows(1) + "1,1,1,yes\n", "'scrap' is 'yes' in every row"),
    ],
)
def test_bad_data_writes_nothing(tmp_path, content, says):
    data = tmp_path / "a.csv"
    data.write_text(content)
    result = run(data, "--label", "scrap", "-o", tmp_path / "out")
    assert isinstance(result.exception, WrongInput)
    assert result.exception.exit_code == 2
    assert says in str(result.exception)
    assert str(data) in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_refused(tmp_path):
    result = run(tmp_path / "none.csv", "--label", "x", "-o", tmp_path)
    assert isinstance(result.exception, WrongInput)
    assert "none.csv: no such file" in str(result.exception)


def test_the_command_loads_nothing_heavy():
    script = (
        "import sys, beltline.runners.cli.commands.init\n"
        "assert 'pyarrow' not in sys.modules\n"
        "from beltline.pipeline.init import draft, inference, schema, summary\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
