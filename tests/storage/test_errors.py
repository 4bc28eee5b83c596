"""What a store's failure means, by Arrow's words for it."""

import pytest

from beltline.base.errors import WrongInput
from beltline.storage.errors import StoreError, explained, explained_write, reason
from beltline.storage.url import parse

S3, GS = parse("s3://bucket/a"), parse("gs://bucket/a")


@pytest.mark.parametrize(
    ("url", "text", "said"),
    [
        (S3, "AWS Error ACCESS_DENIED during HeadObject", "access denied; check the cred"),
        (GS, "google::cloud::Status(PERMISSION_DENIED: x)", "GOOGLE_APPLICATION_CREDENTIALS"),
        (S3, "AWS Error NO_SUCH_BUCKET during PutObject", "no bucket 'bucket'"),
        (S3, "AWS Error NETWORK_CONNECTION: curlCode: 28", "AWS_ENDPOINT_URL and the network"),
        (S3, "AWS Error SLOW_DOWN during PutObject", "overloaded (SLOW_DOWN)"),
        (GS, "google::cloud::Status(UNAVAILABLE: Retry policy exhausted", "check the network"),
        (S3, "for key '403' in bucket 'b': something", "something"),
        (S3, "something  \n else", "something else"),
    ],
)
def test_a_reason_says_what_to_do(url, text, said):
    assert said in reason(url, OSError(text))


def test_the_endpoint_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://planted:planted@minio.example.com:9000")
    text = reason(S3, OSError("AWS Error NETWORK_CONNECTION"))
    assert "minio.example.com:9000" in text
    assert "planted" not in text


def test_an_error_is_one_of_input_and_one_of_the_system():
    with pytest.raises(StoreError) as error, explained(S3):
        raise OSError("AWS Error SLOW_DOWN")
    assert isinstance(error.value, WrongInput)
    assert isinstance(error.value, OSError)
    assert error.value.filename == "s3://bucket/a"
    assert str(error.value) == f"s3://bucket/a: {error.value.strerror}"


def test_a_write_that_finds_nothing_lacks_its_bucket():
    with pytest.raises(StoreError, match="no bucket 'bucket'; create it"), explained_write(GS):
        raise FileNotFoundError("x")


def test_a_missing_object_stays_a_missing_file():
    with pytest.raises(FileNotFoundError), explained(S3):
        raise FileNotFoundError("x")
