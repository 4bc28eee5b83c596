"""What a model's versions are doing, and what they can be asked: TensorFlow Serving's own messages.

The JSON comes from its protos, as it does there.
"""

from collections.abc import Iterable

from google.protobuf import json_format
from google.protobuf.message import Message

from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.memory import State


def status(states: Iterable[State]) -> bytes:
    """Returns the states as a GetModelStatusResponse."""
    from tensorflow_serving.apis import get_model_status_pb2  # TensorFlow, with it

    response = get_model_status_pb2.GetModelStatusResponse()
    for state in states:
        version = response.model_version_status.add(version=state.number)
        version.state = version.State.Value(state.state)
        if state.error:
            # UNKNOWN, as TensorFlow Serving says of a version that didn't load.
            version.status.error_code = 2
            version.status.error_message = state.error
        else:
            version.status.SetInParent()
    return _json(response, keep_names=False)


def metadata(name: str, loaded: Loaded) -> bytes:
    """Returns the signatures as a GetModelMetadataResponse."""
    from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2  # TensorFlow, with it

    spec = model_pb2.ModelSpec(name=name)
    spec.version.value = loaded.number
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for signature in loaded.signatures.values():
        signatures.signature_def[signature.name].CopyFrom(signature.definition)
    # In parts, as TensorFlow Serving does: within the response the map would be an `Any`.
    return b'{\n"model_spec":%b,\n"metadata": {"signature_def": %b}\n}\n' % (
        _json(spec, keep_names=True),
        _json(signatures, keep_names=True),
    )


def _json(message: Message, keep_names: bool) -> bytes:
    text: str = json_format.MessageToJson(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=keep_names,
        indent=1,
    )
    return text.encode()
