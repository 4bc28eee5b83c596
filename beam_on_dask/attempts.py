"""Whether what was read of each bundle fits together, although workers were lost.

A bundle is run again if its result was lost with a worker. If it then writes something else, such
as elements with other random keys, who had read the first one's share and who reads the second
one's would together have elements twice, or not at all. So every bucket has a checksum, and every
bundle says of which buckets it has read; what differs is found before a side input is made, on
which Beam's sinks wait before they publish.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

Chunks = list[bytes]
# A bundle's name, the transform that writes, the bucket, and the checksum of its elements.
Stamp = tuple[str, str, int, int]


class DifferentAttempts(RuntimeError):
    """A lost bundle has written something else when it was run again."""


@dataclass(frozen=True)
class Receipt:
    """What a bundle has written and read, and its metrics."""

    written: tuple[Stamp, ...]
    read: tuple[Stamp, ...]
    metrics: tuple[bytes, ...]


def stamps(source: str, written: dict[str, list[Chunks]]) -> dict[str, list[Stamp]]:
    """Returns the stamps of all buckets that a bundle has written, by transform."""
    return {
        transform: [
            (source, transform, number, _checksum(bucket)) for number, bucket in enumerate(buckets)
        ]
        for transform, buckets in written.items()
    }


def verify(receipts: Iterable[Receipt], of_sources: Iterable[Receipt]) -> bool:
    """Checks that what some bundles have read is what their sources have written.

    Raises:
      DifferentAttempts: it is not.
    """
    known = {stamp[:3]: stamp[3] for source in of_sources for stamp in source.written}
    for receipt in receipts:
        for stamp in receipt.read:
            if known.get(stamp[:3], stamp[3]) != stamp[3]:
                raise DifferentAttempts(f"{stamp[0]} was run again, and has written something else")
    return True


def _checksum(bucket: Chunks) -> int:
    total = 0
    for chunk in bucket:
        total = crc32(chunk, total)
    return total
