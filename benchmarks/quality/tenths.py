"""The model on the rows that published scores are of: nine tenths to learn from, one to judge by.

    python -m benchmarks.quality.tenths [--set german] [--splits 10] [-o FILE]

The folds of others are a partition; here each split draws its tenth anew. What was measured is
kept in `--measured`, and not run again.
"""

import json
import shlex
import sys
import time
from pathlib import Path

import click

from benchmarks import pages
from benchmarks.machine import describe
from benchmarks.quality import kept
from benchmarks.quality.experiment import apart
from benchmarks.quality.published import PUBLISHED, published
from benchmarks.quality.scores import Metrics

SETTINGS = ("data.splits.train=0.8", "data.splits.validation=0.1", "data.splits.eval=0.1")


@click.command()
@click.option("--set", "names", multiple=True, type=click.Choice(list(PUBLISHED)), help="This set.")
@click.option("--splits", default=10, help="How many tenths.")
@click.option("--kept", "parent", type=Path, default=Path("build/quality/tenths"))
@click.option("--measured", type=Path, default=Path("build/quality/tenths.json"))
@click.option("-o", "--output", type=Path, help="Replace the section in this Markdown file.")
def main(
    names: tuple[str, ...], splits: int, parent: Path, measured: Path, output: Path | None
) -> None:
    """Compare the default model with published scores."""
    found: dict[str, list[Metrics]] = {}
    if measured.exists():
        found = json.loads(measured.read_text(encoding="utf-8"))
    chosen = names or tuple(PUBLISHED)
    for split in range(splits):
        for name in chosen:
            if len(found.setdefault(name, [])) > split:
                continue
            preprocessing = kept.of_preprocessing(SETTINGS)
            space = kept.transformed(parent.resolve(), name, split, preprocessing, SETTINGS)
            found[name].append(apart(space, SETTINGS))
            measured.write_text(json.dumps(found, indent=1), encoding="utf-8")
            score = found[name][-1][PUBLISHED[name].metric]
            click.echo(f"{name} {split}: {score:.4f}", err=True)
    words = shlex.join(["python", "-m", "benchmarks.quality.tenths", *sys.argv[1:]])
    text = section({name: found[name][:splits] for name in chosen}, words)
    pages.put("quality, tenths", text, output)


def section(found: dict[str, list[Metrics]], command: str) -> str:
    """Returns the section of RESULTS.md.

    Args:
      found: the metrics of each set's splits.
      command: what measured them.
    """
    return "\n\n".join(
        [
            "## Quality against published scores, a tenth of the rows left out",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            "The published scores are means of ten folds, so each model has learned from nine "
            "tenths of the rows. So has ours here: of each split, a random tenth is judged.",
            *published(found),
        ]
    )


if __name__ == "__main__":
    main()
