"""The HTTP side: TensorFlow Serving's REST API, the Open Inference Protocol, and pages around them.

    app.py             the ASGI application: token, dispatch, errors; pages.py has the pages
    routing.py         the model, version and signature that a request addresses
    model_info.py      the version of a route, states and signatures
    request_body.py    a body, within limits, as JSON
    predict.py         :predict, with predict_inputs.py and json_tensors.py; JSON to arrays
    classify.py        :classify and :regress, with examples.py
    open_inference/    the same rows as tensors, below /v2/: KServe's Open Inference Protocol
    json_outputs.py    arrays to JSON
    responses.py       responses and errors
    observer.py        ids, traces and clients of requests, with forwarding.py and access_log.py
    path_prefix.py     the path that all pages are below
    connections.py     limits of a connection, on top of uvicorn

A further method of a model is an entry in `app.py` and a module of its own.
"""
