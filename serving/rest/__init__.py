"""The HTTP side: TensorFlow Serving's REST API, and the pages around it.

`app.py` has the routes; a further endpoint is a line there and a function in a module of its own.
Requests become arrays in `json_document.py`, `fields.py` and `json_tensors.py`, and answers JSON in
`json_answers.py`; `connections.py` and `bodies.py` keep the limits.
"""
