"""How good the models are, beside gradient boosting, on the same rows of many tables.

    python -m benchmarks.quality               # the comparison: a section of RESULTS.md
    python -m benchmarks.quality.experiment    # trains alone, for work on the model code

`sets` has the tables, `workspace` runs the pipeline on one, `scores` judges, `peers` are the other
libraries, `comparison` says who is better by how much.
"""
