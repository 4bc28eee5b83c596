from beltline.runners.pods.log_line import log_line, results
from tests.kubeflow.stub_play import archived

FIRST, LAST = '{"node": "Trainer"}', '{"node": "Pusher"}'


def test_the_results_come_last_first_among_other_lines() -> None:
    log = "\n".join(["started", log_line(FIRST), '{"executor": "done"}', log_line(LAST), "ended"])
    assert list(results(log)) == [LAST, FIRST]


def test_kubeflows_archive_leaves_them_alone() -> None:
    log = "\n".join([FIRST, log_line(LAST)])
    assert archived(log).splitlines()[0] == ""
    assert list(results(archived(log))) == [LAST]
