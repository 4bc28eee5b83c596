"""The Python API: what a root has, for notebooks and scripts. `beltline.open(root)` begins it.

    root.py        a root: its runs and its versions
    run.py         a run, and all of a root's; node.py: its nodes
    statistics.py  the statistics and the anomalies of a run's data
    evaluation.py  what the Evaluator found; training.py: the curves of the learners
    version.py     a served version: predictions, lineage; explanation.py: why it answers so
    rows.py        rows of an Examples artifact, and rows that somebody hands over
    project.py     a pipeline.yaml: runs it, whole or up to a node; server.py: serves it
    display.py     how a notebook shows all of these, by the sections of runners/report

The numbers are those of the report, which are TFDV's and TFMA's. What is read is read when it is
asked for, and kept: open the root again to see what has happened since.
"""
