"""The comparison with Airflow: its section."""

from benchmarks.airflow import section


def test_the_medians_are_compared_with_the_local_runner() -> None:
    seconds = {"`beltline run`": [50.0, 40.0, 60.0], "Airflow, warm": [40.0, 35.0, 90.0]}
    cached = {"wall": 12.0, "per_node": 1.2, "tasks": {"Schema": 0.5, "Evaluator": 9.0}}
    text = section(seconds, cached, "python -m benchmarks.airflow")
    assert "| `beltline run` | 50.0, 40.0, 60.0 | 50.0 | 1.00 |" in text
    assert "| Airflow, warm | 40.0, 35.0, 90.0 | 40.0 | 0.80 |" in text
    assert "took 12.0 s, 1.20 s for each node" in text
    assert "Schema 0.5, Evaluator 9.0" in text
