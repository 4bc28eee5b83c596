"""The versions in an object store, which has no rename: nothing is known before it is listed.

    versions.json          what there is, what waits for approval, what was decided, and which
                           version is live: the only thing that is replaced
    files/<id>/…           the files of a version, each push's below an id of its own
    files/<id>/push.json   the version's card, and each file with its size and digest
    lease                  whoever is changing versions.json

A push uploads all files, and `versions.json` last. A promotion, a rollback and a deletion are one
write of `versions.json` too. Whoever reads it finds what it names by name: no listing is needed,
which in some stores lags.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from beltline.base.errors import WrongInput
from beltline.storage import cache, objects
from beltline.storage.lease import Lease, leased
from beltline.storage.url import ObjectUrl
from beltline.versions.decisions import Decision
from beltline.versions.folder import CARD
from beltline.versions.index import Index, Listed, parsed
from beltline.versions.live import compared, order_of
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.store import LIVE_WHEN_HELD, State

_INDEX, _FILES, _LEASE, _MANIFEST = "versions.json", "files", "lease", "push.json"
_READS, _PAUSE_SECONDS = 5, 0.2
# Nothing takes as long: whoever uploaded these files was killed.
_ABANDONED_SECONDS = 86_400


class RemoteVersions:
    """The versions below a URL."""

    def __init__(self, url: ObjectUrl) -> None:
        self._url = url
        self._lease: Lease | None = None
        self._seen: Index | None = None

    def state(self) -> State:
        """Returns what there is; nothing if nothing was pushed yet."""
        index = self._seen = self._read()
        return index.state

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lease."""
        with leased(self._url / _LEASE) as self._lease:
            yield

    def choose(self, history: Sequence[int], seen: int) -> None:
        """Replaces the index."""
        self._write(replace(self._read(), history=tuple(history), seen=seen))

    def announce(self, live: int) -> None:
        """Does nothing: TensorFlow Serving would see versions by half."""

    def card(self, number: int) -> Mapping[str, Any]:
        """Returns a version's card; empty if it was deleted meanwhile."""
        try:
            card: dict[str, Any] = _manifest(self._files_of(number) / _MANIFEST, number)["card"]
        except (FileNotFoundError, BrokenVersion):
            return {}
        return card

    def path(self, number: int) -> Path:
        """Returns the version's folder in the cache.

        Raises:
          BrokenVersion: it was deleted.
        """
        return cache.entry(str(self._files_of(number))) / str(number)

    def fetch(self, number: int) -> None:
        """Downloads a version's files into the cache, unless they are there."""
        files = self._files_of(number)
        cache.fetched(str(files), lambda folder: self._download(number, files, folder))

    def push(
        self,
        model: Path,
        digest: str,
        card: Mapping[str, Any],
        extra: Mapping[Path, Path],
        hold: bool = False,
    ) -> tuple[int, bool]:
        """Uploads the files, and then lists them."""
        if known := self._known(self._read(), digest, hold):
            return known, False
        listed = Listed(f"{int(time.time())}-{secrets.token_hex(8)}", digest)
        local = _to_upload(model, extra)
        files = self._files(listed.id)
        described = {name: _described(file) for name, file in local.items()}
        objects.upload({files / name: file for name, file in local.items()})
        with self.locked():
            index = self._read()
            if known := self._known(index, digest, hold):
                return known, False
            number = index.last + 1
            card = {**card, "version": number, "digest": digest}
            if hold:
                card = {**card, LIVE_WHEN_HELD: next(iter(order_of(index.state)), 0)}
            objects.write(files / _MANIFEST, _json({"card": card, "files": described}))
            self._write(index.with_version(number, listed, hold))
            self._delete(index.waiting.values())
        return number, True

    def decide(self, number: int, decision: Decision) -> None:
        """Replaces the index, and then deletes the files of a version that it no longer names."""
        index = self._read()
        self._write(index.with_decision(number, decision))
        if decision.verdict != "approved":
            self._delete([index.waiting[number]])

    def remove(self, numbers: Sequence[int]) -> None:
        """Replaces the index, and then deletes the files that it no longer names."""
        index = self._read()
        gone = [index.versions[number] for number in numbers]
        if gone:
            kept = {n: each for n, each in index.versions.items() if n not in numbers}
            index = replace(index, versions=kept)
            self._write(index)
        self._delete([*gone, *self._abandoned(index)])

    def _delete(self, gone: Iterable[Listed]) -> None:
        for each in gone:
            objects.delete_below(self._files(each.id))

    def _abandoned(self, index: Index) -> list[Listed]:
        """Returns the files that killed pushes and decisions have left."""
        named = {each.id for each in [*index.versions.values(), *index.waiting.values()]}
        found = [each.name for each in objects.prefixes(self._url / _FILES)]
        old = time.time() - _ABANDONED_SECONDS
        return [Listed(id_, "") for id_ in found if id_ not in named and _time_of(id_) < old]

    def _known(self, index: Index, digest: str, hold: bool) -> int | None:
        """Returns the version of this model, unless it is to be held anew.

        That is where it waits, but was not compared with the live version.
        """
        known = index.known(digest, hold)
        if known is None or known not in index.waiting:
            return known
        card = _manifest(self._files(index.waiting[known].id) / _MANIFEST, known)["card"]
        return known if compared(card, index.state) else None

    def _files(self, id_: str) -> ObjectUrl:
        return self._url / _FILES / id_

    def _files_of(self, number: int) -> ObjectUrl:
        """Returns where a version's files are, by what `state` saw where it was asked for."""
        index = self._seen or self._read()
        listed = {**index.waiting, **index.versions}.get(number)
        if listed is None:
            raise BrokenVersion(number, "it was deleted")
        return self._files(listed.id)

    def _download(self, number: int, files: ObjectUrl, folder: Path) -> None:
        manifest = _manifest(files / _MANIFEST, number)
        there = folder / str(number)
        local = {name: there / name for name in manifest["files"]}
        try:
            objects.download({files / name: file for name, file in local.items()})
        except FileNotFoundError as error:
            raise BrokenVersion(number, f"a file is missing: {error}") from error
        for name, file in local.items():
            if _described(file) != manifest["files"][name]:
                why = f"{files / name} is not what was pushed (the digest in {_MANIFEST} differs)"
                raise BrokenVersion(number, why)
        (there / CARD).parent.mkdir(parents=True, exist_ok=True)
        (there / CARD).write_bytes(_json(manifest["card"]))

    def _read(self) -> Index:
        """Returns the index.

        Raises:
          WrongInput: it is not one of ours: nothing may be changed.
        """
        for _ in range(_READS):
            try:
                return parsed(objects.read(self._url / _INDEX))
            except FileNotFoundError:
                return Index()
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                # Arrow asks for the size first, and then for so many bytes: of an object that was
                # replaced in between, the end may lack. Then this is no JSON.
                why = f"{type(error).__name__}: {error}"
                time.sleep(_PAUSE_SECONDS)
        raise WrongInput(
            f"{self._url / _INDEX}: not an index of versions ({why}); restore an earlier version "
            "of this object"
        )

    def _write(self, index: Index) -> None:
        if self._lease is None:
            raise RuntimeError("only the holder of the lease may change the index")
        self._lease.check()
        objects.write(self._url / _INDEX, _json(asdict(index)))


@lru_cache(256)
def _manifest(url: ObjectUrl, number: int) -> dict[str, Any]:
    """Returns the manifest of a push, which never changes."""
    try:
        found = json.loads(objects.read(url))
        if isinstance(found["card"], dict) and all(
            Path(name).parts and ".." not in Path(name).parts and not Path(name).is_absolute()
            for name in found["files"]
        ):
            return dict(found)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise BrokenVersion(number, f"{url} is not a manifest")


def _to_upload(model: Path, extra: Mapping[Path, Path]) -> dict[str, Path]:
    files = {
        file.relative_to(model).as_posix(): file for file in model.rglob("*") if file.is_file()
    }
    files |= {path.as_posix(): file for path, file in extra.items()}
    # The card is in the manifest: it has the version's number, which is given last.
    files.pop(CARD.as_posix(), None)
    return files


def _described(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"size": file.stat().st_size, "sha256": found}


def _time_of(id_: str) -> float:
    """Returns when files were uploaded, by their id; what isn't ours is never old."""
    seconds = id_.partition("-")[0]
    return float(seconds) if seconds.isdecimal() else time.time()


def _json(content: Any) -> bytes:
    return f"{json.dumps(content, indent=1, sort_keys=True)}\n".encode()
