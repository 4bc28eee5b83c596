"""Predictions for a whole table, for `beltline predict` and for the node BulkInferrer.

`scoring.py` predicts a part of it, `batch.py` all of them in a Beam pipeline, and `output.py` joins
what they wrote. `publishing.py` is about where the node puts them.

The rows go through the table readers and the encoder of ExampleGen, and through the version's
signature `examples`, which the serving check has compared with that of the server's requests.
"""
