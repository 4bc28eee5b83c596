"""The Chicago taxi sample that ships with TFX, as one plain CSV file with a yes/no label.

    python -m beltline.data.taxi -o taxi.csv

`big_tip`, the last column, is `yes` where the tip is more than 20 % of the fare. `tips` is left
out because it is the answer, `trip_start_timestamp` because month, day and hour are columns too.
Every other field keeps the text it has in the source; an empty one stays empty.
"""

import csv
from importlib.util import find_spec
from pathlib import Path

import click

from beltline.base.files import replacing

SOURCE = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")
LEFT_OUT = ("tips", "trip_start_timestamp")
LABEL = "big_tip"
BIG_SHARE = 0.2  # of the fare


def source_path() -> Path:
    """Returns where the installed TFX keeps the sample; FileNotFoundError where it has none."""
    # Importing tfx takes many seconds; its place on disk is all that is needed.
    spec = find_spec("tfx")
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (Path(folder) / SOURCE).is_file():
            return Path(folder) / SOURCE
    raise FileNotFoundError(f"no tfx package with {SOURCE} is installed: pip install tfx")


def big_tip(fare: str, tips: str) -> str:
    """Returns the label of one trip, both amounts in dollars as text; no fare, no big tip."""
    paid = float(fare or 0)
    return "yes" if paid > 0 and float(tips or 0) > BIG_SHARE * paid else "no"


def convert(source: Path, output: Path, times: int = 1) -> None:
    """Writes the trips of `source` with their label to `output`, all of them `times` times over."""
    with source.open(newline="", encoding="utf-8") as lines:
        trips = list(csv.DictReader(lines))
    columns = [name for name in trips[0] if name not in LEFT_OUT]
    rows = [
        [*(trip[name] for name in columns), big_tip(trip["fare"], trip["tips"])] for trip in trips
    ]
    with replacing(output) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*columns, LABEL])
        for _ in range(times):
            writer.writerows(rows)


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--times", type=click.IntRange(min=1), default=1, help="Repeat the trips N times.")
def main(output: Path, times: int) -> None:
    """Writes the taxi trips of the installed TFX, with the label big_tip, to a CSV file."""
    try:
        source = source_path()
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from error
    convert(source, output, times)


if __name__ == "__main__":
    main()
