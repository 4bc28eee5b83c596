"""What an object store's failure means for the person at the keyboard."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from beltline.base.errors import WrongInput
from beltline.storage.url import ObjectUrl

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
# Of Amazon's client, and of Google's.
_CODE = re.compile(r"AWS Error (\w+)|google::cloud::Status\((\w+)")
_REFUSALS = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
)
_DENIED = {
    "s3": "check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the machine's role), "
    "the region (AWS_REGION) and the bucket's policy",
    "gs": "check GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account, and its roles",
}
# What Arrow says of Google's store, with no number of an error.
_NO_FOLDER = "No such directory"
_LONGEST = 300


class StoreError(WrongInput, OSError):
    """An object store failed, or refused; what was to be written is not there by half.

    It is an OSError too, with the reason as `strerror`: whoever handles a failing disk handles a
    failing store.
    """

    worth_another_try = False
    """Whether Arrow has tried only once, and it may pass."""

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


@contextmanager
def explained(url: ObjectUrl) -> Iterator[None]:
    """Turns the errors of a store into ones that say what to do.

    Raises:
      FileNotFoundError: there is no such object.
      StoreError: anything else that the store, or the way to it, failed with.
    """
    try:
        yield
    except (FileNotFoundError, StoreError):
        raise
    except OSError as error:
        if str(error).startswith(_NO_FOLDER):
            raise FileNotFoundError(errno.ENOENT, _NO_FOLDER, str(url)) from None
        failed = StoreError(errno.EIO, reason(url, error), str(url))
        # A store's 503 in place of an object: Arrow can't read it, and doesn't repeat the request.
        failed.worth_another_try = "INTERNAL_FAILURE" in str(error)
        raise failed from None


@contextmanager
def explained_write(url: ObjectUrl) -> Iterator[None]:
    """Does the same for a write, for which there must be nothing but a bucket.

    Raises:
      StoreError: it failed.
    """
    try:
        with explained(url):
            yield
    except FileNotFoundError:
        raise StoreError(errno.ENOENT, _no_bucket(url), str(url)) from None


def reason(url: ObjectUrl, error: OSError) -> str:
    """Returns why a store failed, and what to do."""
    text = " ".join(str(error).split())
    found = _CODE.search(text)
    code = (found[1] or found[2]) if found else ""
    if code in _REFUSALS:
        return f"access denied; {_DENIED[url.scheme]}"
    if code == "NO_SUCH_BUCKET":
        return _no_bucket(url)
    if code in ("NETWORK_CONNECTION", "REQUEST_TIMEOUT", "UNAVAILABLE", "DEADLINE_EXCEEDED"):
        return f"{_endpoint(url)} can't be reached, or doesn't answer; check {_where(url)}"
    if code in ("SLOW_DOWN", "SERVICE_UNAVAILABLE", "INTERNAL_FAILURE", "THROTTLING"):
        return f"{_endpoint(url)} is overloaded ({code}), after several attempts; try again later"
    return text[:_LONGEST]


def _no_bucket(url: ObjectUrl) -> str:
    return f"no bucket {url.bucket!r}; create it, or correct the URL"


def _endpoint(url: ObjectUrl) -> str:
    named = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    # A proxy's password could be in it.
    host = named.rpartition("@")[2].rpartition("://")[2]
    return f"the object store at {host}" if named and url.scheme == "s3" else "the object store"


def _where(url: ObjectUrl) -> str:
    return "AWS_ENDPOINT_URL and the network" if url.scheme == "s3" else "the network"
