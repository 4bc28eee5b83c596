"""The comparison as a section of RESULTS.md."""

import statistics
import time
from collections.abc import Iterable, Sequence

from benchmarks.machine import describe
from benchmarks.pages import table
from benchmarks.quality.comparison import Difference, deciding, difference, loss_of
from benchmarks.quality.published import published
from benchmarks.quality.score_files import Pair
from benchmarks.quality.verdicts import Found, is_calibration_judged, is_rare, verdicts


def section(found: Found, command: str) -> str:
    """Returns the section.

    Args:
      found: the splits of each set.
      command: what measured it.
    """
    peers = list(next(iter(found.values()))[0].peers)
    return "\n\n".join(
        [
            "## Quality against gradient boosting",
            f"`{command}`; {time.strftime('%Y-%m-%d')}. {describe()}.",
            f"`beltline init` and `beltline run` beside {_listed(peers)}, each with its defaults "
            "and two threads. The peers learn from the rows of train and validation together; all "
            "are judged on the same eval rows, by AUC (of several classes the mean of each against "
            "the rest) or, for numbers, R². Every set is split several ways; metrics are means, "
            "and the difference is to the peer that is best on the set, with its 95 % interval "
            "(Student's t). The loss is the log loss or RMSE; its difference is in standard "
            "deviations of the best peer's over the splits, and more is better. Seconds are the "
            "Trainer's.",
            table(
                [
                    "set",
                    "rows",
                    "splits",
                    *peers,
                    "Beltline",
                    "difference",
                    "95 %",
                    "loss, sd",
                    "s",
                ],
                [_line(pairs, name, peers) for name, pairs in found.items()],
            ),
            *_others(found),
            "\n".join(f"- {line}" for line in verdicts(found)),
            *published({name: [pair.ours for pair in pairs] for name, pairs in found.items()}),
        ]
    )


def _line(pairs: Sequence[Pair], name: str, peers: Iterable[str]) -> list[str]:
    metric = deciding(pairs[0])
    own = difference(pairs, metric)
    loss = difference(pairs, loss_of(pairs[0])).deviations
    return [
        name,
        f"{pairs[0].rows:,}",
        str(len(pairs)),
        *(f"{_mean(pair.peers[peer][metric] for pair in pairs):.4f}" for peer in peers),
        f"{own.ours:.4f}",
        f"{own.mean:+.4f}",
        _interval(own),
        "" if loss is None else f"{loss:+.1f}",
        f"{_mean(pair.ours['seconds'] for pair in pairs):.1f}",
    ]


def _others(found: Found) -> list[str]:
    """The metrics that only some sets are judged by; nothing where there is none."""
    lines = []
    for name, pairs in found.items():
        metrics = ["pr-auc"] if is_rare(pairs[0]) else []
        metrics += ["macro f1"] if pairs[0].task == "multiclass" else []
        metrics += ["ece"] if is_calibration_judged(pairs[0]) else []
        lines += [_other(name, difference(pairs, metric)) for metric in metrics]
    head = ["set", "metric", "Beltline", "best peer", "", "better by", "95 %"]
    return [table(head, lines)] if lines else []


def _other(name: str, own: Difference) -> list[str]:
    metrics = [f"{own.ours:.4f}", own.peer, f"{own.theirs:.4f}", f"{own.mean:+.4f}"]
    return [name, own.metric, *metrics, _interval(own)]


def _interval(own: Difference) -> str:
    return "" if own.interval is None else "{:+.4f} to {:+.4f}".format(*own.interval)


def _mean(values: Iterable[float]) -> float:
    return statistics.mean(values)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
