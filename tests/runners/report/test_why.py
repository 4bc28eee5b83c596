from beltline.runners.report.evaluation import EvaluationResult, MetricResult
from beltline.runners.report.why import why

RUN = {"run": "r1"}


def node(name, state):
    return {"node": name, "state": state}


def metric(value=0.75, champion=None, interval=None, missed=True):
    bounds = ["at least 0.8", "at most 0.99"]
    return MetricResult("auc", value, champion, None, interval, None, bounds, missed)


def of_metrics(*metrics):
    result = EvaluationResult(blessed=False, metrics=list(metrics))
    return why(RUN, [node("Evaluator", "refused")], result, [])


def test_a_good_run_needs_no_words():
    assert why(RUN, [node("Pusher", "done")], EvaluationResult(), []) == []


def test_a_failed_node_has_a_log():
    [told] = why(RUN, [node("Trainer", "failed")], EvaluationResult(), [])
    assert told == "beltline logs r1 Trainer prints the log of Trainer."


def test_what_a_refusal_has_stopped_is_no_failure_to_look_into():
    nodes = [node("Transform", "failed"), node("ServingCheck", "refused")]
    assert len(why(RUN, nodes, EvaluationResult(), [])) == 1


def test_a_metric_that_misses_its_threshold():
    [told] = of_metrics(metric(champion=0.7, interval=[0.7, 0.8]), metric(missed=False))
    assert told == (
        "auc is 0.7500 and must be at least 0.8 and at most 0.99; the champion reaches 0.7000 on "
        "the same rows. With other rows of the same kind it would be 0.7000 to 0.8000."
    )
    assert of_metrics(metric())[0].endswith("at most 0.99.")
    assert "undefined on these rows" in of_metrics(metric(value=None))[0]


def test_a_slice_that_misses_its_threshold():
    assert of_metrics(metric(missed=False)) == [
        "All rows together reach the thresholds; a slice does not."
    ]


def test_columns_that_differ_from_the_schema():
    found = [{"column": f"c{n}", "blocks": n != 3} for n in (0, 0, 1, 2, 3, 4, 5, 6)]
    told = why(RUN, [node("DataGate", "refused")], EvaluationResult(), found)
    assert "from the schema in c0, c1, c2, c4, c5 and 1 more;" in told[0]
    assert "or the schema if it is too narrow" in told[1]
    # The label may be wrong without an anomaly: the node's own reason says it.
    assert why(RUN, [node("DataGate", "refused")], EvaluationResult(), []) == []


def test_a_model_that_does_not_answer():
    [told] = why(RUN, [node("ServingCheck", "refused")], EvaluationResult(), [])
    assert "doesn't answer rows as it should" in told
