"""A report with something in every section."""

from beltline.runners.report.content import RunReport
from beltline.runners.report.data import Columns
from beltline.runners.report.evaluation import EvaluationResult, MetricResult

NODES = [
    {
        "node": "ExampleGen",
        "state": "done",
        "started": "2026-11-26T04:00:00+00:00",
        "seconds": 1.0,
        "reason": "",
        "log": "",
    },
    {
        "node": "Trainer",
        "state": "done",
        "started": "2026-11-26T04:00:01+00:00",
        "seconds": 3.0,
        "reason": "",
        "log": "",
    },
    {
        "node": "Pusher",
        "state": "skipped",
        "started": None,
        "seconds": None,
        "reason": "this model is version 2 already",
        "log": "",
    },
]
IMPORTANCE = {
    "rows": 2000,
    "repeats": 3,
    "value": 0.91,
    "columns": [
        {"column": "<Mold & ü>", "loss": 0.075, "deviation": 0.025},
        {"column": "heat", "loss": 0.05, "deviation": 0.0},
        {"column": "noise", "loss": -0.0004, "deviation": 0.001},
    ],
}
SLICES = {
    "least_rows": 250,
    "too_small": 1,
    "worst": [
        {
            "slice": "mold=<b>B</b>",
            "rows": 489,
            "value": 0.82,
            "champion": 0.9,
            "interval": [0.75, 0.875],
        },
        {"slice": "mold=A", "rows": 1489, "value": 0.95, "champion": None},
    ],
}
NUMBERS = {
    "rows": 100,
    "missing": 3,
    "unique": None,
    "mean": 24.75,
    "deviation": 3.5,
    "least": 12.0,
    "median": 25.0,
    "greatest": 40.0,
    "zeros": 0,
    "buckets": [[12.0, 26.0, 60.0], [26.0, 40.0, 37.0]],
}
TEXTS = {"rows": 100, "missing": 0, "unique": 3, "top": [["A & ü", 60], ["<b>", 25], ["C", 15]]}
COLUMNS = Columns(
    live="1",
    columns=[
        {
            "column": "mold",
            "type": "text",
            "is_label": True,
            "of": {"train": TEXTS, "eval": {**TEXTS, "top": [["<b>", 100]], "unique": 1}},
        },
        {
            "column": "temperature",
            "type": "number",
            "is_label": False,
            "of": {"train": NUMBERS, "live": {**NUMBERS, "mean": 31.5}},
        },
    ],
    anomalies=[
        {"column": "mold", "what": "new: <M09>", "blocks": True, "splits": ["train", "eval"]},
        {"column": "temperature", "what": "skewed", "blocks": False, "splits": ["eval"]},
    ],
)
TRAINING = [
    {"learner": "network", "train": [[1, 0.5], [2, 0.25]], "validation": [[1, 0.625], [2, 0.375]]},
    {"learner": "trees", "train": [[1, 0.5]], "validation": []},
]
CURVES = {
    "candidate": {
        "roc": [[0.0, 0.0], [0.1, 0.8], [1.0, 1.0]],
        "precision_recall": [[0.8, 0.9], [1.0, 0.5]],
        "calibration": [[0.1, 0.2, 50.0], [0.8, 0.75, 50.0]],
        "decisions": [40.0, 5.0, 10.0, 45.0],
    },
    "baseline": {
        "roc": [[0.0, 0.0], [1.0, 1.0]],
        "precision_recall": [[1.0, 0.5]],
        "calibration": [[0.5, 0.5, 100.0]],
        "decisions": [25.0, 25.0, 25.0, 25.0],
    },
    "answers": [],
    "threshold": 0.25,
    "classes": ["ok", "<scrap>"],
}
UPSTREAM = {"ExampleGen": (), "Trainer": ("ExampleGen",), "Pusher": ("ExampleGen", "Trainer")}
TRANSFORM = {
    "preprocessing_fn": "beltline.models.preprocessing.preprocessing_fn",
    "label": {"column": "bad", "task": "binary", "classes": ["ok", "<scrap>"]},
    "numbers": "quantile",
    "out_of_vocabulary_buckets": 1,
    "columns": [
        {
            "column": "mold",
            "type": "text",
            "number": False,
            "parts": [],
            "category": {"values": 7, "listed": False, "top": ["A & ü", "<b>"], "unknown": 0.25},
        },
        {"column": "made", "type": "text", "number": False, "parts": ["hour"], "category": None},
        {"column": "cooling", "type": "number", "number": True, "parts": [], "category": None},
    ],
}
DEPENDENCE = {
    "output": "probability",
    "rows": 200,
    "columns": [
        {
            "column": "temperature",
            "points": [
                {"value": 12.5, "share": 0.25, "answers": [0.125]},
                {"value": 20, "share": 0.5, "answers": [0.25]},
                {"value": 40.0, "share": 0.125, "answers": [0.75]},
                {"value": None, "share": 0.125, "answers": [0.5]},
            ],
        },
        {
            "column": "alloy",
            "points": [
                {"value": "A & <b>", "share": 0.75, "answers": [0.375]},
                {"value": None, "share": 0.25, "answers": [0.625]},
            ],
        },
    ],
}
REPORT = RunReport(
    pipeline="casting",
    run={
        "run": "20261126-040000-abcd",
        "started": "2026-11-26T04:00:00+00:00",
        "seconds": 4.0,
        "state": "done",
        "version": "2",
        "bundle": "494f90e652821f30",
    },
    nodes=NODES,
    data={
        "path": "in/*.csv",
        "span": "3",
        "digest": "d1",
        "rows": {"train": 14120, "eval": 3912},
        "left_out": {"rejected": 2},
        "rejects": [{"file": "a.csv", "line": 7, "column": None, "reason": "3 cells, not 4"}],
    },
    columns=COLUMNS,
    evaluation=EvaluationResult(
        blessed=True,
        champion="1",
        metric="auc",
        value=0.9,
        metrics=[
            MetricResult(
                "auc",
                0.9,
                0.92,
                -0.02,
                [0.875, 0.925],
                [0.9, 0.94],
                ["at least 0.6", "against the champion at least +0"],
                True,
            ),
            MetricResult("rows", 3912.0, 3912.0, None, None, None, [], False),
        ],
        slices=SLICES,
        importance=IMPORTANCE,
    ),
    hyperparameters={"training": {"epochs": 18, "learning_rate": 0.001}, "tuned": {"depth": 3}},
    learners=[
        {"learner": "trees", "weight": 0.62, "loss": 0.0712},
        {"learner": "network", "weight": 0.38, "loss": 0.0757},
    ],
    training=TRAINING,
    trials=[{"trial_id": "0", "score": 0.25, "depth": 3}, {"trial_id": "1", "width": 0.5}],
    version={
        "version": 2,
        "kept": True,
        "live": True,
        "first": False,
        "refit": False,
        "pushed_at": "2026-11-26T04:00:04+00:00",
        "digests": {"code": "c0de"},
        "problem": {
            "task": "binary",
            "label": "bad",
            "classes": ["ok", "<scrap>"],
            "columns": {"mold": "text", "temperature": "number"},
        },
    },
    why=["auc is 0.9000 & must be more."],
    curves=CURVES,
    settings={"Trainer": {"steps": 0, "run_fn": "beltline.models.training.run_fn"}},
    origin={"data": "d1", "model code": "c0de"},
    upstream=UPSTREAM,
    transform=TRANSFORM,
    dependence=DEPENDENCE,
)
