"""`beltline init`: inspects a table and creates a working `pipeline.yaml` and schema for it."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from beltline.pipeline.tables import Table
    from beltline.pipeline.tables.files import File

_MOST_NAMES = 40


@click.command("init")
@click.argument("data", required=False)
@click.option("--query", metavar="SQL", help="Inspect the rows of a query instead of files.")
@click.option("--label", metavar="COL", help="The column to predict; required.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Output folder.  [default: the current folder]",
)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
@click.option("--name", help="The pipeline's name.  [default: from DATA's name]")
def init(
    data: str | None,
    query: str | None,
    label: str | None,
    output: Path,
    overwrite: bool,
    name: str | None,
) -> None:
    """Inspect DATA and create a pipeline.yaml and a schema for it.

    DATA is a CSV, TSV or Parquet file, a folder of them, or a quoted pattern such as 'in/*.csv'; it
    may be a URL such as s3://BUCKET/in.
    Instead of DATA, --query may select rows of the database in BELTLINE_DATABASE; it requires
    --name. What was decided for each column, and why, is printed; edit the two files to change it.
    """
    # Importing Arrow takes a quarter of a second, which `beltline init --help` should not.
    from beltline.pipeline.init import draft
    from beltline.pipeline.init.inference import infer_project
    from beltline.pipeline.init.schema import schema_text
    from beltline.pipeline.init.summary import summary_lines
    from beltline.pipeline.tables.sources import tables_of

    given = _one_of(data, query, name)
    chosen = draft.checked_name(name) if name else draft.name_for(Path(str(given)))
    schema = draft.schema_path(chosen)
    found = tables_of(given)
    if label is None:
        raise click.UsageError(f"--label names the column to predict: {_listed(found)}")
    if not overwrite:
        draft.refuse_existing(output, [draft.SETTINGS, schema])
    inferred = infer_project(found, label)
    settings = draft.settings_text(inferred, chosen, given, output)
    draft.write(output, {schema: schema_text(inferred), draft.SETTINGS: settings})
    click.echo("\n".join(summary_lines(inferred)))
    for path in (draft.SETTINGS, schema):
        click.echo(f"wrote      {output / path}")
    click.echo(f"next       {_next(output)}")


def _next(output: Path) -> str:
    return "beltline run" if output == Path() else f"cd {shlex.quote(str(output))} && beltline run"


def _listed(found: "Sequence[Table]") -> str:
    from beltline.pipeline.tables import column_names

    names = column_names(found)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"one of {', '.join(map(repr, names[:_MOST_NAMES]))}{more}"


def _one_of(data: str | None, query: str | None, name: str | None) -> "File | str":
    if (data is None) == (query is None):
        raise click.UsageError("specify either DATA or --query")
    if query is not None and not name:
        raise click.UsageError("--query requires --name, the pipeline's name")
    from beltline.pipeline.tables.files import data_path

    return query if query is not None else data_path(data or "")
