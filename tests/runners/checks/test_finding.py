"""A finding as the commands print it, and as a probe of another release sends it."""

from dataclasses import asdict

from beltline.runners.checks.finding import CheckSkipped, Finding, Problem, run_check

FAILED = Finding("root", False, "/r is not writable", "set BELTLINE_ROOT")


def raising(error: Exception) -> Finding:
    def check() -> str:
        raise error

    return run_check("root", check)


def test_a_problem_fails_the_check_and_a_skipped_one_has_no_result() -> None:
    assert raising(Problem(FAILED.text, FAILED.fix)) == FAILED
    assert raising(CheckSkipped("no cluster")) == Finding("root", None, "not checked: no cluster")


def test_json_has_the_fix_also_under_its_deprecated_name() -> None:
    assert FAILED.as_json() == {**asdict(FAILED), "mend": "set BELTLINE_ROOT"}


def test_a_finding_of_an_older_release_is_read() -> None:
    written = FAILED.as_json()
    assert Finding.from_json(written) == FAILED
    del written["fix"]
    assert Finding.from_json(written) == FAILED
