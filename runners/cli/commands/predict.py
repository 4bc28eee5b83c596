"""`beltline predict`: predicts a whole table with the live version."""

from pathlib import Path

import click

from beltline.runners.cli.options import open_project, settings_options


@click.command("predict")
@click.argument("data", required=False)
@click.option("--query", metavar="SQL", help="Predict the rows of a query instead of files.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("predictions.csv"),
    show_default=True,
    help="The file to write, CSV or Parquet; it is replaced.",
)
@click.option(
    "--version", "number", type=click.IntRange(1), help="The version.  [default: the live one]"
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COL",
    help="A column to write beside the predictions; repeatable.  [default: those that the model "
    "does not read]",
)
@settings_options
def predict(
    file: Path,
    overrides: tuple[str, ...],
    data: str | None,
    query: str | None,
    output: Path,
    number: int | None,
    keep: tuple[str, ...],
) -> None:
    """Predict the rows of DATA with the live version.

    DATA is a CSV, TSV or Parquet file, a folder of them, or a quoted pattern such as 'in/*.csv',
    with the columns of the table that the model was trained on; it may be a URL such as
    s3://BUCKET/in, and needs no label. Rows that can't be read are written to a file beside the
    output.
    """
    if (data is None) == (query is None):
        raise click.UsageError("specify either DATA or --query")
    # Arrow, Beam and TensorFlow take seconds, which `beltline predict --help` should not.
    from beltline.pipeline.predictions import batch
    from beltline.pipeline.predictions.output import check_format
    from beltline.pipeline.tables.files import data_path
    from beltline.pipeline.tables.sources import tables_of
    from beltline.runners.cli.quiet import stderr_in

    check_format(output)
    project, paths = open_project(file, overrides)
    settings = project.settings
    version = batch.version_of(paths.served(settings.push.directory, settings.name), number)
    found = tables_of(query if query is not None else data_path(data or ""))
    with stderr_in(paths.root / "logs" / "predict.log"):
        result = batch.predict(found, version, output, keep or None)
    click.echo(f"predicted {result.rows:,} rows with version {version.number}: {output}")
    if result.rejects:
        said = "1 row" if result.rejected == 1 else f"{result.rejected:,} rows"
        click.echo(f"{said} can't be read: {result.rejects}")
