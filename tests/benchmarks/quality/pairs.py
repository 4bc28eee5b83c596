"""Scores of both sides as they would lie in the folder, made by hand."""

from benchmarks.quality.score_files import Pair


def binary(
    ours: float, peers: dict[str, float], rows: int = 1_000, rarest: float = 0.5, **own: float
) -> Pair:
    """A split of a set of two classes; every metric is `ours`, or a peer's, but those given."""
    names = ("auc", "pr-auc", "log loss", "ece", "ece by chance")
    return Pair(
        ours={**dict.fromkeys(names, ours), "seconds": 3.0, **own},
        peers={peer: dict.fromkeys(names, value) for peer, value in peers.items()},
        task="binary",
        rows=rows,
        rarest=rarest,
    )
