"""A made-up but believable data set: which parts of a die-casting line become scrap, and why.

    python -m beltline.data.casting --rows 20000 --seed 7 -o data/casting.csv
    python -m beltline.data.casting --rows 20000 --seed 8 --later -o later.csv

One row is one X-rayed aluminium part. `data/README.md` lists every column with its unit, and every
effect. The same rows, seed and `--later` give the same bytes; another seed gives another sample of
the same line. A batch always covers twelve weeks, however many rows it has, so the shares of
shifts, molds and scrap do not depend on the number of rows.

The label follows the *true* process values. What the table shows are readings: rounded, sometimes
missing, and in the later batch wrong by an offset for one sensor.
"""

from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from beltline.base.files import replacing

Floats = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]


class Mold(NamedTuple):
    """What sets one mold apart."""

    name: str
    share: float  # of the parts cast; scaled to a sum of 1
    die_target: float  # °C
    excess: float  # °C that the die runs above its target on average
    volume: float  # of the cavity, 1 is average
    life: float  # shots between overhauls
    dropout: float  # sensor failures, 1 is average


MOLDS = (
    Mold("M01", 0.17, 215, 0, 1.00, 16000, 1),
    Mold("M02", 0.15, 220, 0, 1.10, 15000, 1),
    Mold("M03", 0.14, 210, -4, 0.90, 18000, 1),
    Mold("M04", 0.13, 225, 0, 1.20, 14000, 1),
    Mold("M05", 0.12, 215, 0, 1.05, 16000, 6),  # worn cable: its sensors fail most
    Mold("M06", 0.11, 205, 0, 0.85, 20000, 1),
    Mold("M07", 0.10, 230, 5, 1.25, 12000, 1),
    Mold("M08", 0.08, 218, 0, 0.95, 15000, 1),
)
# Only in a later batch: its cooling channels are too narrow, so that it runs hot.
NEW_MOLD = Mold("M09", 0.18, 222, 14, 1.15, 9000, 1)
LATER_OFFSET = {"die_temperature": 12.0}  # °C: a replaced thermocouple that reads too high

ALLOYS = ("AlSi9Cu3", "AlSi10Mg", "AlSi12")
ALLOY_SHARES = (0.55, 0.27, 0.18)
METAL_TARGETS = np.array([670.0, 685.0, 660.0])  # °C, in the order of ALLOYS
SHIFTS = ("early", "late", "night")  # from 06:00, 14:00 and 22:00

FIRST_DAY = np.datetime64("2025-01-06T06:00:00")
BATCH_SECONDS = 84 * 24 * 3600

# Share of missing readings for a mold whose `dropout` is 1.
DROPOUTS = {
    "vibration": 0.015,
    "vacuum": 0.02,
    "humidity": 0.008,
    "coolant_flow": 0.012,
    "fill_time": 0.01,
}
# Digits after the point; 0 makes a whole number.
DECIMALS = {
    "die_temperature": 1,
    "metal_temperature": 1,
    "injection_speed": 2,
    "intensification_pressure": 0,
    "cooling_time": 1,
    "spray_time": 2,
    "biscuit_thickness": 1,
    "shots_since_maintenance": 0,
    "vibration": 2,
    "vacuum": 0,
    "humidity": 0,
    "coolant_flow": 1,
    "fill_time": 1,
    "hall_temperature": 1,
}


def generate(rows: int, seed: int, later: bool = False) -> pa.Table:
    """Returns `rows` parts of one twelve-week batch, oldest first, in the columns of the README.

    `later` makes the following batch, after the line has changed: a ninth mold is in use and the
    thermocouple of the die reads 12 °C too high.
    """
    rng = np.random.default_rng(seed)
    molds = (*MOLDS, NEW_MOLD) if later else MOLDS
    line = _line(rng, rows, molds, later)
    settings = _settings(rng, line)
    truth = settings | _sensors(rng, line, settings)
    scrap = rng.random(rows) < _scrap_probability(line, truth)
    readings = _readings(rng, line, truth, later)
    return _table(line, readings, scrap, [mold.name for mold in molds], later)


def _line(
    rng: np.random.Generator, rows: int, molds: tuple[Mold, ...], later: bool
) -> dict[str, npt.NDArray[Any]]:
    """Returns when and on what each part is cast: seconds since FIRST_DAY, shift, alloy, mold."""
    shares = np.array([mold.share for mold in molds])
    place = np.arange(rows) + rng.random(rows)
    seconds = ((place / max(rows, 1) + later) * BATCH_SECONDS).astype(np.int64)
    index = rng.choice(len(molds), rows, p=shares / shares.sum())
    properties = {
        name: np.array([getattr(mold, name) for mold in molds])[index]
        for name in ("die_target", "excess", "volume", "life", "dropout")
    }
    return properties | {
        "seconds": seconds,
        "shift": seconds // (8 * 3600) % 3,
        "alloy": rng.choice(len(ALLOYS), rows, p=ALLOY_SHARES),
        "mold": index,
    }


def _settings(rng: np.random.Generator, line: Columns) -> Columns:
    """Returns the settings of operator and machine, apart from the die temperature."""
    rows = len(line["mold"])
    # One shot in 25 is made with a tired intensifier: a second hump, far below the set pressure.
    tired = rng.random(rows) < 0.04
    return {
        "metal_temperature": METAL_TARGETS[line["alloy"]] + rng.normal(0, 10, rows),
        "injection_speed": rng.normal(3.2, 0.5, rows).clip(1.2),
        "intensification_pressure": rng.normal(800, 60, rows) - 170 * tired,
        "cooling_time": rng.normal(11, 1.6, rows).clip(4) * line["volume"],
        "spray_time": rng.normal(2.0, 0.45, rows).clip(0.3),
        "biscuit_thickness": rng.normal(25, 3.5, rows).clip(8),
        "shots_since_maintenance": rng.random(rows) * line["life"],
        "hall_temperature": rng.normal(24, 3, rows) - 3 * (line["shift"] == 2),
    }


def _sensors(rng: np.random.Generator, line: Columns, settings: Columns) -> Columns:
    """Returns the true values that the sensors measure."""
    rows = len(line["mold"])
    wear = settings["shots_since_maintenance"] / line["life"]
    coolant = (rng.normal(18, 1.8, rows) - 2.5 * (rng.random(rows) < 0.05)).clip(5)
    warmer = line["excess"] + 2 * (18 - coolant)
    filling = 140 * line["volume"] / settings["injection_speed"]
    return {
        "die_temperature": line["die_target"] + warmer + rng.normal(0, 13, rows),
        "coolant_flow": coolant,
        "vibration": 1.6 * np.exp(rng.normal(0, 0.25, rows) + 0.6 * wear**2),
        # Vents clog as the mold wears, so less air leaves the cavity.
        "vacuum": 55 * np.exp(rng.normal(0, 0.3, rows) + 0.25 * wear),
        "humidity": (rng.normal(47, 8, rows) + 13 * (line["shift"] == 2)).clip(15, 98),
        "fill_time": filling * np.exp(rng.normal(0, 0.05, rows)),
    }


def _scrap_probability(line: Columns, truth: Columns) -> Floats:
    """Returns the chance of scrap: any of the six defects, or an unexplained one, suffices."""
    good = np.full(len(line["mold"]), 1 - 0.003)
    for chance in (
        _cold_shut(line, truth),
        _porosity(truth),
        _soldering(line, truth),
        _wear(line, truth),
        _steam(truth),
        _hot_tear(line, truth),
    ):
        good *= 1 - 0.9 * chance
    return 1 - good


def _cold_shut(line: Columns, truth: Columns) -> Floats:
    """Returns the chance of cold shut: slow metal in a cold die freezes, fast metal sprays."""
    metal = truth["metal_temperature"] - METAL_TARGETS[line["alloy"]]
    off_window = np.abs(truth["injection_speed"] - 3.2)
    cold = _above(line["die_target"] - truth["die_temperature"], 16, 1.5) * _above(-metal, 9, 1)
    return cold * _above(off_window, 0.55, 0.04)


def _porosity(truth: Columns) -> Floats:
    """Returns the chance of porosity: a poor vacuum leaves air that low pressure keeps in.

    A thin biscuit freezes early and passes on only part of the pressure.
    """
    passed_on = 1 - 0.25 * _above(-truth["biscuit_thickness"], -20, 0.6)
    pressure = truth["intensification_pressure"] * passed_on
    return _above(-pressure, -645, 8) * _above(truth["vacuum"], 92, 2)


def _soldering(line: Columns, truth: Columns) -> Floats:
    """Returns the chance of soldering: a hot die, little spray, iron-poor AlSi10Mg."""
    sooner = 6.0 * (line["alloy"] == 1)
    hot = _above(truth["die_temperature"] - line["die_target"] + sooner, 24, 1.5)
    return hot * _above(-truth["spray_time"], -1.44, 0.05)


def _wear(line: Columns, truth: Columns) -> Floats:
    """Returns the chance of flash and wrong dimensions: a worn mold that shakes."""
    wear = truth["shots_since_maintenance"] / line["life"]
    return _above(wear, 0.88, 0.02) * _above(truth["vibration"], 4.0, 0.08)


def _steam(truth: Columns) -> Floats:
    """Returns the chance of blisters: much spray does not dry in humid night air."""
    return _above(truth["humidity"], 64, 1) * _above(truth["spray_time"], 2.7, 0.05)


def _hot_tear(line: Columns, truth: Columns) -> Floats:
    """Returns the chance of a hot tear: too short a cooling in a warm die."""
    short = _above(-truth["cooling_time"] / line["volume"], -8.8, 0.15)
    return short * _above(truth["die_temperature"] - line["die_target"], 20, 1.5)


def _above(value: Floats, limit: float, width: float) -> Floats:
    """Returns a smooth step: 0 well below `limit`, 1 well above, over a few `width`."""
    step: Floats = 1 / (1 + np.exp((limit - value) / width))
    return step


def _readings(rng: np.random.Generator, line: Columns, truth: Columns, later: bool) -> Columns:
    """Returns what the control system stores: offset values and, as NaN, failed readings."""
    readings = dict(truth)
    for name, share in DROPOUTS.items():
        failed = rng.random(len(line["mold"])) < share * line["dropout"]
        readings[name] = np.where(failed, np.nan, truth[name])
    for name, offset in LATER_OFFSET.items():
        readings[name] = readings[name] + offset * later
    return readings


def _table(
    line: Columns, readings: Columns, scrap: npt.NDArray[np.bool_], molds: list[str], later: bool
) -> pa.Table:
    """Returns the table in order, with category names and rounded numbers."""
    return pa.table(
        {
            "part_id": _part_ids(len(scrap), "B" if later else "A"),
            "cast_at": np.datetime_as_string(FIRST_DAY + line["seconds"].astype("m8[s]")),
            "mold": pa.array(molds).take(pa.array(line["mold"])),
            "shift": pa.array(SHIFTS).take(pa.array(line["shift"])),
            "alloy": pa.array(ALLOYS).take(pa.array(line["alloy"])),
            **{name: _rounded(readings[name], digits) for name, digits in DECIMALS.items()},
            "scrap": pa.array(["ok", "scrap"]).take(pa.array(scrap.astype(np.int8))),
        }
    )


def _part_ids(rows: int, batch: str) -> pa.Array:
    numbers = pc.utf8_lpad(pa.array(np.arange(1, rows + 1)).cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(batch, numbers, "")


def _rounded(values: Floats, digits: int) -> pa.Array:
    """Returns a column of whole numbers or of floats with `digits` decimals; NaN becomes null."""
    column = pa.array(np.round(values, digits), from_pandas=True)
    return column if digits else column.cast(pa.int64())


def write_csv(table: pa.Table, path: Path) -> None:
    """Writes `table` without quotes, nulls as empty fields, replacing `path` in one step."""
    unquoted = csv.WriteOptions(include_header=False, quoting_style="none")
    with replacing(path) as temporary, temporary.open("wb") as out:
        # pyarrow would put the names, and only them, in quotes.
        out.write((",".join(table.column_names) + "\n").encode())
        csv.write_csv(table, out, unquoted)


@click.command()
@click.option("--rows", type=click.IntRange(min=0), default=20_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--later", is_flag=True, help="The batch after: a new mold, one sensor offset.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(rows: int, seed: int, later: bool, output: Path) -> None:
    """Writes a casting-line data set to a CSV file."""
    write_csv(generate(rows, seed, later), output)


if __name__ == "__main__":
    main()
