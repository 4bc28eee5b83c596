"""A version in memory: what answers, whoever asks.

The server's requests, `beltline predict` and the node BulkInferrer go through the same session, so
that they have the same answers.
"""
