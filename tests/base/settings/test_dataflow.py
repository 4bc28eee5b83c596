import pytest
from pydantic import ValidationError

from beltline.base.settings.dataflow import Dataflow


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workers": 9, "max_workers": 3}, "must be at least workers, 9"),
        ({"public_addresses": False}, "requires subnetwork"),
        ({"project": "Foundry"}, "project"),
        ({"temp_location": "s3://bucket/temp"}, "temp_location"),
        ({"temp_location": "gs://bucket"}, "temp_location"),
        ({"image": "beltline:0.1.0"}, "image"),
        ({"region": "europe"}, "region"),
        ({"service_account": "nobody"}, "service_account"),
        ({"subnetwork": "parts"}, "subnetwork"),
        ({"disk_gb": 10}, "disk_gb"),
    ],
)
def test_an_invalid_value_is_named(values, said):
    with pytest.raises(ValidationError, match=said):
        Dataflow(**values)


def test_the_least_and_the_most_may_be_the_same():
    assert Dataflow(workers=3, max_workers=3).max_workers == 3
