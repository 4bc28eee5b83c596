"""The line of a node that has ended."""

import pytest

from beltline.runners.node.outcome import Outcome, State
from beltline.runners.progress import print_node


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        ("done", "", "none to beat: this is the first model for these columns and this label"),
        ("failed", "database is locked\nin 3 tries", "database is locked"),
        ("skipped", "ExampleGen was skipped", "ExampleGen was skipped"),
    ],
)
def test_a_champion_that_failed_is_not_one_that_was_not_found(
    capsys: pytest.CaptureFixture[str], state: State, reason: str, shown: str
) -> None:
    print_node(Outcome("Champion", state, reason=reason), 0.14)
    assert capsys.readouterr().out == f"  Champion         {state:<9}    0.1 s  {shown}\n"


PREDICTED = {
    "predicted_rows": 12000,
    "rejected_rows": 0,
    "predicted_by": "3",
    "published": "out/p.csv",
    "key": "d1",
    "reason": "",
}


@pytest.mark.parametrize(
    ("rejected", "shown"),
    [(0, "rows 12,000, version 3: "), (1500, "rows 12,000 (1,500 can't be read), version 3: ")],
)
def test_predictions(capsys: pytest.CaptureFixture[str], rejected: int, shown: str) -> None:
    properties = PREDICTED | {"rejected_rows": rejected}
    outputs = {"inference_result": [{"type": "InferenceResult", "properties": properties}]}
    print_node(Outcome("BulkInferrer", "done", 7, outputs), 1)
    assert capsys.readouterr().out == f"  BulkInferrer     done         1.0 s  {shown}out/p.csv\n"
