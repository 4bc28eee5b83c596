"""KServe's Open Inference Protocol, version 2, below `/v2/`: the columns of the table as tensors.

    routes.py      the model, version and method that a path addresses
    models.py      what a model takes and answers, and whether it is ready
    infer.py       the method infer, with request.py, inputs.py and response.py
    datatypes.py   the protocol's types of values, in JSON and in binary data
    document.py    the paths of the OpenAPI document

The rows go by the rules of :predict, since they are parsed by `table_rows.py` like those.
"""
