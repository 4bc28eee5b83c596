"""The gRPC side: TensorFlow Serving's PredictionService and ModelService, and gRPC's own Health.

    server.py          the port, its limits, start and stop
    calls.py           a call: token, dispatch, errors, metrics
    receiving.py       the message of a call, within limits of size, number and time
    message_size.py    how much a message holds, before it is parsed
    predict.py         Predict, with tensors.py: protos to arrays and back
    classify.py        Classify and Regress
    model_info.py      GetModelMetadata and GetModelStatus
    status.py          errors as gRPC's codes
    health.py          grpc.health.v1

Rows, versions and answers are those of `serving/rest`: what a request means is not said twice.
"""
