"""Predictions for a whole table: `scoring.py` predicts a part of it, `output.py` joins the parts.

The rows go through the table readers and the encoder of ExampleGen, and through the version's
signature `examples`, which the serving check has compared with that of the server's requests.
"""
