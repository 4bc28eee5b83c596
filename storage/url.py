"""URLs of objects, and of what lies below a common prefix: `s3://bucket/path`, `gs://bucket/path`."""

import re
from dataclasses import dataclass

from beltline.base.errors import WrongInput

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}")
SCHEMES = ("s3", "gs")


@dataclass(frozen=True, order=True)
class ObjectUrl:
    """An object, or the prefix of several; `key` has no slash at its ends."""

    scheme: str
    bucket: str
    key: str = ""

    def __truediv__(self, part: str) -> "ObjectUrl":
        return ObjectUrl(self.scheme, self.bucket, f"{self.key}/{part}" if self.key else part)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "ObjectUrl":
        """The prefix that the last part of the key is below."""
        return ObjectUrl(self.scheme, self.bucket, self.key.rpartition("/")[0])

    @property
    def path(self) -> str:
        """Bucket and key, as Arrow's file systems take them."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket


def is_url(text: str) -> bool:
    """Returns whether a text is a URL rather than a path."""
    return _SCHEME.match(text) is not None


def refuse_url(key: str, text: str) -> None:
    """Checks that a path on this machine is none of another place's.

    Args:
      key: the setting or the variable, for the message.
      text: its value.

    Raises:
      WrongInput: it is a URL, of which a folder would be made here.
    """
    if is_url(text):
        raise WrongInput(
            f"{key}: a path on a disk is needed; object stores hold data (data.path, predict.path) "
            "and versions (push.directory), see docs/storage.md"
        )


def parse_prefix(text: str) -> ObjectUrl:
    """Returns the URL of a prefix within a bucket.

    Raises:
      WrongInput: it is none.
    """
    if not is_url(text):
        raise WrongInput(f"{text}: not a URL, such as s3://BUCKET/PREFIX")
    if not (found := parse(text)).key:
        raise WrongInput(f"{text}: name a prefix in the bucket, such as {found}/NAME")
    return found


def parse(text: str) -> ObjectUrl:
    """Returns the URL that a text spells.

    Raises:
      WrongInput: it is not an object's URL; a password in it is not repeated.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in SCHEMES:
        raise WrongInput(f"{scheme}://…: only s3:// and gs:// URLs, and paths, are supported")
    bucket, _, key = rest.partition("/")
    if "@" in bucket:
        raise WrongInput(
            f"{scheme}://…@…: credentials don't belong in a URL, which is logged and stored; set "
            "them in the environment, see docs/storage.md"
        )
    if not _BUCKET.fullmatch(bucket):
        raise WrongInput(
            f"{text}: {bucket!r} is not a bucket's name (at least 3 of a-z, 0-9, '.', '_', '-')"
        )
    key = key.rstrip("/")
    if any(part in ("", ".", "..") for part in key.split("/")) and key:
        raise WrongInput(f"{text}: a part of the path is empty, '.' or '..'")
    return ObjectUrl(scheme, bucket, key)
