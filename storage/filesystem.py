"""Arrow's file systems of the object stores, made from the environment.

S3, and what is compatible with it: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (or
a profile, or the machine's role), AWS_REGION, and AWS_ENDPOINT_URL for other servers than Amazon's.
Google: GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account.
"""

import functools
import os
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs

from beltline.base.errors import WrongInput
from beltline.storage.errors import ENDPOINTS, explained
from beltline.storage.url import ObjectUrl

_ATTEMPTS = 6
_SECONDS = 10
_READ = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
)
_ANY_REGION = "us-east-1"


def filesystem(url: ObjectUrl) -> Any:
    """Returns the file system of a URL, whose paths are `ObjectUrl.path`.

    Requests are repeated, with growing pauses, where the store is overloaded or a connection is
    cut; connecting, and waiting for an answer, take ten seconds at most.

    Raises:
      WrongInput: a variable of the environment is invalid.
      StoreError: the region of a bucket can't be found out.
    """
    if url.scheme == "gs":
        return _gs(os.environ.get("STORAGE_EMULATOR_HOST", ""), os.getpid())
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    settings = tuple(os.environ.get(name, "") for name in _READ)
    region = settings[0] or settings[1] or (_ANY_REGION if endpoint else _region(url))
    return _s3(endpoint, region, settings, os.getpid())


# The process is a part of both keys: a fork has its parent's connections, and one that used them
# would read answers to the requests of its parent, or of another fork.
@functools.lru_cache(16)
def _s3(endpoint: str, region: str, _settings: tuple[str, ...], _process: int) -> Any:
    where: dict[str, str] = {}
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise WrongInput("AWS_ENDPOINT_URL: not a URL such as https://minio.example.com:9000")
        where = {"scheme": parts.scheme, "endpoint_override": parts.netloc + parts.path.rstrip("/")}
    return fs.S3FileSystem(
        region=region,
        connect_timeout=_SECONDS,
        request_timeout=_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        **where,
    )


@functools.lru_cache(16)
def _gs(emulator: str, _process: int) -> Any:
    if emulator:
        parts = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        where = {"scheme": parts.scheme, "endpoint_override": parts.netloc, "anonymous": True}
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=60), **where)
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=60))


def _region(url: ObjectUrl) -> str:
    with explained(url):
        return _region_of(url.bucket)


@functools.lru_cache(64)
def _region_of(bucket: str) -> str:
    return str(fs.resolve_s3_region(bucket))
