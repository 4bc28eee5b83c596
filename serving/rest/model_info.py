"""The versions of a model: which one a route addresses, their states, their signatures.

States and signatures are TensorFlow Serving's own messages, and the JSON comes from its protos, as
it does there.
"""

from collections.abc import Iterable

from google.protobuf import json_format
from google.protobuf.message import Message

from beltline.serving.current_request import current_request
from beltline.serving.rest.responses import HttpError, bad_request
from beltline.serving.rest.routing import Route
from beltline.serving.servables.loaded_versions import VersionState
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.servable import Servable

# google.rpc.Code, as TensorFlow Serving says of a version that didn't load.
_UNKNOWN = 2


class ModelInfo:
    """Finds the versions of the one model that a server has."""

    def __init__(self, name: str, served: ServedVersions) -> None:
        self._name = name
        self._served = served

    def servable(self, route: Route) -> Servable:
        """Returns the version that a route addresses.

        Raises:
          HttpError: it is not in memory.
        """
        found = None
        if route.name == self._name:
            found = self._of_label(route.label)
            if route.version is not None:
                found = self._served.version(route.version)
        if found is None:
            raise HttpError(404, f"Servable not found for request: {route.model_spec}")
        request = current_request()
        if request is not None:
            request.version = found.number
        return found

    def status(self, route: Route) -> bytes:
        """Returns the JSON of `states`."""
        return _json(self.states(route), keep_names=False)

    def states(self, route: Route) -> Message:
        """Returns the states of the versions as a GetModelStatusResponse.

        Raises:
          HttpError: there is no such model or version.
        """
        states = self._states(route)
        # After it: until a version is there, another thread may be importing TensorFlow.
        from tensorflow_serving.apis import get_model_status_pb2

        response = get_model_status_pb2.GetModelStatusResponse()
        for state in states:
            version = response.model_version_status.add(version=state.number)
            version.state = version.State.Value(state.state)
            if state.error:
                version.status.error_code = _UNKNOWN
                version.status.error_message = state.error
            else:
                version.status.SetInParent()
        found: Message = response
        return found

    def metadata(self, route: Route) -> bytes:
        """Returns the signatures of a version as a GetModelMetadataResponse.

        Raises:
          HttpError: it is not in memory.
        """
        spec, signatures = self.signatures(route)
        # In parts, as TensorFlow Serving does: within the response the map would be an `Any`.
        return b'{\n"model_spec":%b,\n"metadata": {"signature_def": %b}\n}\n' % (
            _json(spec, keep_names=True),
            _json(signatures, keep_names=True),
        )

    def signatures(self, route: Route) -> tuple[Message, Message]:
        """Returns the ModelSpec of a version, and its signatures as a SignatureDefMap.

        Raises:
          HttpError: it is not in memory.
        """
        servable = self.servable(route)
        from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2  # imports TensorFlow

        spec = model_pb2.ModelSpec(name=route.name)
        spec.version.value = servable.number
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for signature in servable.signatures.values():
            signatures.signature_def[signature.name].CopyFrom(signature.definition)
        return spec, signatures

    def _of_label(self, label: str | None) -> Servable | None:
        if label == "previous":
            found = self._served.previous
        elif label in (None, "live"):
            return self._served.live
        else:
            found = None
        if found is None:
            raise bad_request(f"Unrecognized servable version label: {label}")
        return found

    def _states(self, route: Route) -> Iterable[VersionState]:
        states = self._served.states() if route.name == self._name else []
        number = route.version
        if route.label is not None:
            number = self.servable(route).number
        if number is None and not states:
            raise HttpError(404, f"Could not find any versions of model {route.name}")
        found = [state for state in states if number in (None, state.number)]
        if not found:
            raise HttpError(404, f"Could not find version {number} of model {route.name}")
        return found


def _json(message: Message, keep_names: bool) -> bytes:
    text: str = json_format.MessageToJson(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=keep_names,
        indent=1,
    )
    return text.encode()
