import pytest

from beltline.serving.rest.open_inference.parameters import flag, parameters_of
from beltline.serving.rest.responses import HttpError


def test_those_of_other_servers_are_ignored():
    asked = {"sequence_id": 7, "content_type": "pd", "binary_data": True}
    assert parameters_of({"parameters": asked}, "the request") == asked
    assert parameters_of({"parameters": None}, "the request") == {}
    assert parameters_of({}, "the request") == {}


@pytest.mark.parametrize("name", ["shared_memory_region", "classification"])
def test_what_would_change_the_answer_is_refused(name):
    with pytest.raises(HttpError, match=f"output x: parameter '{name}' is not supported"):
        parameters_of({"parameters": {name: 1}}, "output x")


@pytest.mark.parametrize("given", [[], "x", 1, False])
def test_parameters_that_are_no_object(given):
    with pytest.raises(HttpError, match="the request: 'parameters' is not an object"):
        parameters_of({"parameters": given}, "the request")


def test_flags():
    assert flag({"binary_data": True}, "binary_data", False)
    assert flag({}, "binary_data", True)
    for given in (1, "true", None):
        with pytest.raises(HttpError, match=r"parameter 'binary_data' is .*; allowed: true, false"):
            flag({"binary_data": given}, "binary_data", False)
