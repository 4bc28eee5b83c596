"""Who watches a run; that the runner tells in time is seen in test_runner.py."""

from beltline.runners.local.watch import Ends, Watch
from beltline.runners.node.outcome import Outcome


def test_a_watch_does_nothing_by_itself():
    watch = Watch()
    watch.started("Trainer")
    watch.waiting()
    watch.ended(Outcome("Trainer", "done"), 1.0)
    assert watch.every is None


def test_ends_are_passed_on():
    told = []
    watch = Ends(lambda outcome, seconds: told.append((outcome.node, seconds)))
    watch.started("Trainer")
    watch.ended(Outcome("Trainer", "done"), 1.0)
    assert told == [("Trainer", 1.0)]
