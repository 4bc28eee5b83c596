"""Asks with Triton's public client, in a process of its own: it brings gevent.

Its arguments are the server's host and port, the model's name, and columns as JSON: the datatype
and the values of each. It writes what it was answered as one JSON object.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def tensor(name, datatype, values, binary):
    """A column as an input; in the client's own datatypes."""
    found = triton.InferInput(name, [len(values)], datatype)
    found.set_data_from_numpy(np.array(values, triton_to_np_dtype(datatype)), binary_data=binary)
    return found


def described(result):
    """The outputs of an answer, as what JSON can hold."""
    answer = result.get_response()
    found = {}
    for each in answer["outputs"]:
        array = result.as_numpy(each["name"])
        values = [value.decode() if isinstance(value, bytes) else value for value in array.tolist()]
        found[each["name"]] = {"datatype": each["datatype"], "values": values}
    return {**answer, "outputs": found}


def main(address, model, columns):
    client = triton.InferenceServerClient(address)
    found = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": [client.is_model_ready(model, each) for each in ("", "1", "9")],
        "other_ready": client.is_model_ready("other"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(model),
    }
    binary, plain = (
        [tensor(name, *each, binary=way) for name, each in columns.items()] for way in (True, False)
    )
    outputs = {
        way: [triton.InferRequestedOutput("probability", binary_data=way)] for way in (True, False)
    }
    answers = {
        "by default": client.infer(model, binary, request_id="42"),
        "in JSON": client.infer(model, plain, outputs=outputs[False], model_version="1"),
        "JSON in": client.infer(model, plain, outputs=outputs[True]),
        "binary in": client.infer(model, binary, outputs=outputs[False]),
        "compressed": client.infer(model, binary, request_compression_algorithm="gzip"),
        "at once": [client.async_infer(model, binary) for _ in range(5)][-1].get_result(),
    }
    found["answers"] = {name: described(answer) for name, answer in answers.items()}
    try:
        client.infer(model, binary[1:])
    except InferenceServerException as error:
        found["error"] = [error.status(), error.message()]
    client.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
