"""Which files a span is, on a real disk."""

import pytest

from beltline.base.errors import NoData, WrongInput
from beltline.pipeline.tables import files_of_span

DAY = "{YYYY}-{MM}-{DD}"


@pytest.fixture
def disk(tmp_path):
    """Makes files below the test's folder, and finds spans there by their paths' names."""

    class Disk:
        def make(self, *names):
            for name in names:
                file = tmp_path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()

        def find(self, path, span="latest"):
            found = files_of_span(tmp_path / path, span)
            files = [str(file.relative_to(tmp_path)) for file in found.files]
            return files, found.name, found.number, found.version

    return Disk()


def test_without_placeholders_the_data_are_all_one(disk):
    disk.make("a.csv", "b.csv")
    assert disk.find("*.csv") == (["a.csv", "b.csv"], "latest", None, None)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        (f"in/{DAY}.csv", "in/2026-11-{}.csv"),
        ("in/{YYYY}{MM}{DD}.csv.gz", "in/202611{}.csv.gz"),
        (f"in/{DAY}", "in/2026-11-{}/part.csv"),
        (f"in/{DAY}/*.csv", "in/2026-11-{}/part.csv"),
        (f"in/{DAY}/part.csv", "in/2026-11-{}/part.csv"),
        ("in/{YYYY}/{MM}/{DD}/x/part.csv", "in/2026/11/{}/x/part.csv"),
        (f"in/{{YYYY}}/{{MM}}/{DAY}.csv", "in/2026/11/2026-11-{}.csv"),
        (f"in/plant[1]+{DAY}_*.parquet", "in/plant[1]+2026-11-{}_0630.parquet"),
        (f"in/?-{DAY}.csv", "in/x-2026-11-{}.csv"),
    ],
)
def test_a_day(disk, path, file):
    disk.make(*(file.format(day) for day in ("09", "23", "08")))
    assert disk.find(path) == ([file.format("23")], "2026-11-23", 20780, None)
    assert disk.find(path, "2026-11-08") == ([file.format("08")], "2026-11-08", 20765, None)
    with pytest.raises(NoData) as missing:
        disk.find(path, "2026-11-24")
    assert "no data for span 2026-11-24 in " in str(missing.value)
    assert str(missing.value).endswith("there are: 2026-11-08, 2026-11-09, 2026-11-23")


def test_a_day_of_several_files(disk):
    disk.make(f"{2026}-11-23_b.csv", "2026-11-23_a.csv", "2026-11-22_c.csv", ".2026-11-23_d.csv")
    assert disk.find(f"{DAY}_*.csv")[0] == ["2026-11-23_a.csv", "2026-11-23_b.csv"]


def test_a_path_that_contradicts_itself_is_no_day(disk):
    disk.make("2026/10/2026-11-23.csv", "2026/11/2026-11-22.csv", "2026/11/2026-13-40.csv")
    assert disk.find(f"{{YYYY}}/{{MM}}/{DAY}.csv")[1] == "2026-11-22"


@pytest.mark.parametrize(
    ("path", "files", "span"),
    [
        ("{SPAN}.csv", ["9.csv", "10.csv"], 10),
        ("*{SPAN}.csv", ["day9.csv", "day10.csv"], 10),
        ("{SPAN}", ["9/a.csv", "10/a.csv"], 10),
        ("s{SPAN:3}.csv", ["s009.csv", "s010.csv", "s11.csv"], 10),
        ("{SPAN}.csv", ["09.csv", "010.csv"], 10),
    ],
)
def test_a_number_counts_as_a_number(disk, path, files, span):
    disk.make(*files)
    assert disk.find(path)[2] == span
    assert disk.find(path) == disk.find(path, str(span))
    assert disk.find(path, "9")[0] == files[:1]


def test_the_highest_version_counts(disk):
    disk.make("7/v2/a.csv", "7/v10/a.csv", "8/v1/a.csv", "8/v2/note.md")
    path = "{SPAN}/v{VERSION}/*.csv"
    assert disk.find(path, "7") == (["7/v10/a.csv"], "7", 7, 10)
    assert disk.find(path) == (["8/v1/a.csv"], "8", 8, 1)


def test_a_folder_without_data_files_is_no_data(disk):
    disk.make("2026-11-22/a.csv", "2026-11-23/_SUCCESS.md")
    assert disk.find(DAY)[1] == "2026-11-22"
    with pytest.raises(NoData, match="there are: 2026-11-22"):
        disk.find(DAY, "2026-11-23")


def test_no_data_at_all(disk):
    with pytest.raises(WrongInput, match="no data files found there, of any span"):
        disk.find(f"in/{DAY}.csv")
    with pytest.raises(NoData, match="there is none"):
        disk.find(f"in/{DAY}.csv", "2026-11-23")


def test_of_many_spans_the_last_are_named(disk):
    disk.make(*(f"{number}.csv" for number in range(8)))
    with pytest.raises(NoData, match=r"there are: 3, 4, 5, 6, 7 and 3 before"):
        disk.find("{SPAN}.csv", "8")


def test_files_of_a_span_have_one_format(disk):
    disk.make("7/a.csv", "7/b.parquet", "x8.xlsx")
    with pytest.raises(WrongInput, match="side by side"):
        disk.find("{SPAN}")
    with pytest.raises(WrongInput, match=r"'x8\.xlsx' is not known"):
        disk.find("x{SPAN}*")


@pytest.mark.parametrize(
    ("path", "span", "message"),
    [
        ("a.csv", "7", "data.span '7': data.path .*a.csv holds no {SPAN}"),
        ("{SPAN}.csv", "2026-11-23", "data.span '2026-11-23': .* needs a number, or 'latest'"),
        (f"{DAY}.csv", "7", "data.span '7': .* needs a day such as 2026-11-23, or 'latest'"),
        (f"{DAY}.csv", "2026-02-30", "data.span '2026-02-30': .* needs a day such as"),
        ("{YYYY}-{MM}.csv", "latest", "data.path .*: lacks {DD}"),
        ("{DD}.csv", "latest", "lacks {YYYY}, {MM}"),
        (f"{DAY}/{{SPAN}}.csv", "latest", "holds {SPAN} and a day; keep one of them"),
        ("v{VERSION}.csv", "latest", "{VERSION} needs {SPAN} or a day beside it"),
    ],
)
def test_what_does_not_go_together_is_refused(disk, path, span, message):
    disk.make("a.csv", "7.csv", "2026-11-23.csv", "2026-11.csv")
    with pytest.raises(WrongInput, match=message):
        disk.find(path, span)
