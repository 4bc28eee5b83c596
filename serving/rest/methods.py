"""Which signature of a version answers, for each of the methods that TensorFlow Serving has.

A caller may name it; otherwise it is `serving_default`. Where that has another method, :classify
and :regress take the first signature of theirs.
"""

from typing import Any

from beltline.serving.rest.addresses import Method
from beltline.serving.rest.errors import wrong
from beltline.serving.rest.json_document import shown
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.signature import Signature

DEFAULT = "serving_default"
_KINDS = {"classify": "classification", "regress": "regression"}


def signature(loaded: Loaded, method: Method, document: dict[str, Any]) -> Signature:
    """Returns the signature that a request is for.

    Raises:
      Refused: there is no such signature, or it has another method.
    """
    name = _name(document)
    if method == "predict":
        found = loaded.signatures.get(name or DEFAULT)
        if found is None:
            raise wrong(f'Serving signature name: "{name or DEFAULT}" not found in signature def')
        if not found.inputs:
            raise wrong(f"Failed to get input map for signature: {name or 'DEFAULT'}")
        return found
    return _of_method(loaded, method, name)


def _name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise wrong(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be "
            "a string value."
        )
    return name


def _of_method(loaded: Loaded, method: Method, name: str) -> Signature:
    wanted = f"tensorflow/serving/{method}"
    found = loaded.signatures.get(name or DEFAULT)
    if not name and (found is None or found.method != wanted):
        fitting = (each for each in loaded.signatures.values() if each.method == wanted)
        found = next(fitting, found)
    if found is None:
        raise wrong(f"No signature was found with the name: {name or DEFAULT}")
    if found.method != wanted:
        raise wrong(
            f"Expected {_KINDS[method]} signature method_name to be {wanted}. Was: {found.method}"
        )
    if len(found.inputs) != 1:
        raise wrong("Expected one input Tensor.")
    return found
