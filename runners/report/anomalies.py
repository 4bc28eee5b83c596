"""What ExampleValidator found in the data, in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo

_FILE = "SchemaDiff.pb"
_ALL_COLUMNS = "(all columns)"


def anomalies_in(folder: Path) -> list[dict[str, Any]]:
    """Returns the anomalies in an ExampleAnomalies artifact, those that block first.

    Each has `column`, `what`, `blocks` (a warning does not), and the `splits` that have it.
    """
    found: dict[tuple[bool, str, str], list[str]] = {}
    for file in sorted(folder.glob(f"Split-*/{_FILE}")):
        split = file.parent.name.removeprefix("Split-")
        for key in _told(_read(file)):
            found.setdefault(key, []).append(split)
    described = [
        {"column": column, "what": what, "blocks": blocks, "splits": splits}
        for (blocks, column, what), splits in found.items()
    ]
    return sorted(described, key=lambda each: (not each["blocks"], each["column"]))


def _read(file: Path) -> Anomalies:
    try:
        return Anomalies.FromString(file.read_bytes())
    except (OSError, DecodeError):
        return Anomalies()


def _told(anomalies: Anomalies) -> Iterator[tuple[bool, str, str]]:
    # The keys of the map put names with a space or the like into quotes.
    infos = {".".join(info.path.step) or key: info for key, info in anomalies.anomaly_info.items()}
    if anomalies.HasField("dataset_anomaly_info"):
        infos[_ALL_COLUMNS] = anomalies.dataset_anomaly_info
    for column, info in infos.items():
        blocks = info.severity != AnomalyInfo.WARNING
        for reason in info.reason or [info]:
            words = [reason.short_description, reason.description]
            yield blocks, column, ": ".join(filter(None, words)).rstrip(".") or "anomalous"
