"""`beltline init`: looks at a data file and writes a working `pipeline.yaml` and schema for it."""

from pathlib import Path

import click


@click.command("init")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--label", required=True, metavar="COL", help="The column to predict.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Folder to write to.  [default: the current one]",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@click.option("--name", help="The pipeline's name.  [default: from DATA's name]")
def init(data: Path, label: str, output: Path, overwrite: bool, name: str | None) -> None:
    """Look at DATA and write a pipeline.yaml and a schema for it.

    DATA is a CSV, TSV or Parquet file, a folder of them, or a quoted pattern such as 'in/*.csv'.
    What was decided about each column, and why, is printed; edit the two files where you know
    better.
    """
    # Arrow takes a quarter of a second to load, which `beltline init --help` need not wait for.
    from pipeline import draft
    from pipeline.account import account
    from pipeline.decide import decide
    from pipeline.draft_schema import schema_text
    from pipeline.tables import data_files

    chosen = draft.checked_name(name) if name else draft.name_for(data)
    schema = draft.schema_path(chosen)
    files = data_files(data)
    if not overwrite:
        draft.refuse_existing(output, [draft.SETTINGS, schema])
    decision = decide(files, label)
    settings = draft.settings_text(decision, chosen, data, output)
    draft.write(output, {schema: schema_text(decision), draft.SETTINGS: settings})
    click.echo("\n".join(account(decision)))
    for path in (draft.SETTINGS, schema):
        click.echo(f"wrote      {output / path}")
