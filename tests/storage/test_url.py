"""URLs of objects."""

import pytest

from beltline.base.errors import WrongInput
from beltline.storage.url import ObjectUrl, is_url, parse, parse_prefix


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("gs://my.bucket-1/a/b c/ü.csv", "my.bucket-1", "a/b c/ü.csv"),
        ("s3://bucket/a//", "bucket", "a"),
    ],
)
def test_a_url_is_parsed(text, bucket, key):
    found = parse(text)
    assert (found.scheme, found.bucket, found.key) == (text[:2], bucket, key)
    assert str(found) == text.rstrip("/")
    assert is_url(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://bucket/a", "only s3:// and gs://"),
        ("S3://bucket/a", "only s3:// and gs://"),
        ("s3://", "not a bucket's name"),
        ("s3:///a", "not a bucket's name"),
        ("s3://Bucket/a", "not a bucket's name"),
        ("s3://bucket/a//b", "part of the path is empty"),
        ("s3://bucket/../b", "part of the path is empty"),
        ("s3://bucket/.", "part of the path is empty"),
    ],
)
def test_what_is_none_is_refused(text, said):
    with pytest.raises(WrongInput, match=said):
        parse(text)


def test_credentials_in_a_url_are_refused_and_not_repeated():
    with pytest.raises(WrongInput, match="don't belong in a URL") as error:
        parse("s3://planted-key:planted-secret@bucket/a")
    assert "planted" not in str(error.value)


def test_a_prefix_is_within_a_bucket():
    assert str(parse_prefix("gs://bucket/a/")) == "gs://bucket/a"
    for text, said in (("s3://bucket/", "name a prefix"), ("/a", "not a URL"), ("a", "not a URL")):
        with pytest.raises(WrongInput, match=said):
            parse_prefix(text)


@pytest.mark.parametrize("text", ["served", "/a/b", "C:/a", "./s3://x", "a:b", ""])
def test_a_path_is_no_url(text):
    assert not is_url(text)


def test_parts_of_a_url():
    url = ObjectUrl("s3", "bucket") / "a" / "b"
    assert (url.name, str(url.parent), url.path) == ("b", "s3://bucket/a", "bucket/a/b")
    assert str(url.parent.parent) == "s3://bucket"
