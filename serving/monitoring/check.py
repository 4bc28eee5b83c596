"""The whole check: reads the samples, compares them, and reports what exceeds its limit."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.base.errors import WrongInput
from beltline.serving.monitoring import chance
from beltline.serving.monitoring.comparison import ComparedRows, Comparison
from beltline.serving.monitoring.config import MonitoringConfig
from beltline.serving.monitoring.counting import by_name
from beltline.serving.monitoring.labels import read_labels
from beltline.serving.monitoring.live_metrics import labelled, live_metrics
from beltline.serving.monitoring.reference import Reference, feature_name, live_reference
from beltline.serving.monitoring.report import ColumnReport, LiveMetric, MonitoringReport
from beltline.serving.monitoring.samples import Samples, read, sampled_versions
from beltline.serving.samples.encoding import KEY, PREFIX

_MEASURES_OF_A_COLUMN = 4
_MOST_NAMED = 5


def check(config: MonitoringConfig, now: datetime | None = None) -> MonitoringReport:
    """See `beltline.serving.monitoring.monitor`."""
    reference = live_reference(config.folder)
    if not sampled_versions(config.requests):
        raise WrongInput(
            f"{config.requests}: there are no samples of requests yet; `beltline serve` "
            "writes them as it answers, unless `monitoring.sample_rate` is 0"
        )
    return _Check(config, reference, now or datetime.now(UTC)).report()


class _Check:
    """One check of one version."""

    def __init__(self, config: MonitoringConfig, reference: Reference, end: datetime):
        self._config = config
        self._settings = config.settings
        self._reference = reference
        self._end = end
        self._begin = end - timedelta(hours=config.settings.window_hours)
        self._scores = _scores(reference)
        self._notes: list[str] = []

    def report(self) -> MonitoringReport:
        """Returns the result; with too few rows it has a note instead of columns."""
        number = self._reference.version.number
        samples = self._read([number], self._begin)
        before = self._before()
        enough = samples.seen >= self._settings.min_rows
        if not enough:
            self._note_few(samples.seen)
        labelled_rows, metrics = self._metrics()
        return MonitoringReport(
            name=self._config.folder.name,
            version=number,
            begin=self._begin,
            end=self._end,
            rows=samples.seen,
            rows_before=before.seen,
            columns=self._columns(samples, before) if enough else [],
            scores=self._answers(samples) if enough else [],
            labelled_rows=labelled_rows,
            metrics=metrics,
            notes=self._notes,
        )

    def _read(self, versions: list[int], begin: datetime, end: datetime | None = None) -> Samples:
        answers = {f"{PREFIX}{name}": values.type for name, values in self._scores.items()}
        types = {**self._reference.types, **answers, KEY: pa.binary()}
        samples = read(self._config.requests, versions, begin, end or self._end, types)
        if samples.damaged:
            names = ", ".join(file.name for file in samples.damaged)
            self._notes.append(f"Damaged files, read in part: {names}.")
        return samples

    def _before(self) -> Samples:
        """Reads the window before, whichever version answered: requests don't depend on it."""
        begin = self._begin - (self._end - self._begin)
        before = self._read(sampled_versions(self._config.requests), begin, self._begin)
        if before.seen < self._settings.min_rows:
            self._notes.append(
                f"No drift: {before.seen} rows in the {self._settings.window_hours:g} hours before."
            )
        return before

    def _note_few(self, rows: int) -> None:
        self._notes.append(
            f"Too few rows to compare: {rows} of version {self._reference.version.number} in "
            f"{self._settings.window_hours:g} hours; `monitoring.min_rows` is "
            f"{self._settings.min_rows}."
        )

    def _columns(self, samples: Samples, before: Samples) -> list[ColumnReport]:
        schema = schema_pb2.Schema()
        schema.CopyFrom(self._reference.schema)
        there = [name for name in self._reference.types if name in samples.table.column_names]
        left_out = sorted(self._reference.types.keys() - set(there))
        if left_out:
            self._notes.append(f"Not in the samples, so not compared: {', '.join(left_out)}.")
        known = [feature for feature in schema.feature if feature_name(feature) in there]
        del schema.feature[:]
        schema.feature.extend(known)
        reference = by_name(self._reference.statistics)
        comparison = Comparison(
            {name: reference[name] for name in there},
            ComparedRows(samples.table.select(there)),
            self._settings,
            self._share,
            self._reference.version.problem.get("timestamps", ()),
        )
        both = [name for name in there if name in before.table.column_names]
        enough = before.seen >= self._settings.min_rows
        return comparison.columns(
            schema, ComparedRows(before.table.select(both)) if enough else None
        )

    def _answers(self, samples: Samples) -> list[ColumnReport]:
        there = [n for n in self._scores if f"{PREFIX}{n}" in samples.table.column_names]
        if not there:
            self._notes.append("No score shift: the version has no recorded answers.")
            return []
        answers = samples.table.select([f"{PREFIX}{name}" for name in there])
        live = ComparedRows(answers.rename_columns(there))
        reference = ComparedRows(pa.table({name: _lists(self._scores[name]) for name in there}))
        return Comparison(reference.features, live, self._settings, self._share).answers()

    @property
    def _share(self) -> float:
        measures = _MEASURES_OF_A_COLUMN * len(self._reference.types) + len(self._scores)
        return chance.FALSE_ALARMS / measures

    def _metrics(self) -> tuple[int, list[LiveMetric]]:
        settings, version = self._settings, self._reference.version
        if self._config.labels is None or settings.key is None:
            return 0, []
        labels = read_labels(self._config.labels, settings.key, str(version.problem.get("label")))
        begin = self._end - timedelta(hours=settings.label_hours)
        samples = self._read([version.number], begin)
        rows = labelled(samples.table, labels, version.problem)
        if rows.odd:
            odd = ", ".join(f"'{label}'" for label in sorted(rows.odd)[:_MOST_NAMED])
            self._notes.append(f"Unknown labels for version {version.number}: {odd}.")
        if len(rows.labels) < settings.min_rows:
            self._notes.append(
                f"Too few rows with a label: {len(rows.labels)} in {settings.label_hours:g} hours; "
                f"`monitoring.min_rows` is {settings.min_rows}."
            )
            return len(rows.labels), []
        return len(rows.labels), live_metrics(rows, version.problem, settings.metrics)


def _scores(reference: Reference) -> Mapping[str, pa.Array]:
    """Returns the answers to rows of the evaluation split, floats or texts."""
    scores = {}
    for name, found in reference.scores.items():
        if all(isinstance(value, str) for value in found):
            scores[name] = pa.array([value.encode() for value in found], pa.binary())
        elif all(isinstance(value, int | float) for value in found):
            scores[name] = pa.array(found, pa.float32())
    return scores


def _lists(values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(range(len(values) + 1), pa.int64()), values)
