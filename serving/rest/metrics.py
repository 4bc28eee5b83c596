"""The page /metrics in Prometheus' text format: requests, times, batches, versions, samples.

A new metric is counted where it arises, or collected in `_StateCollector` when the page is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from beltline.serving.current_request import current_request
from beltline.serving.servables.served import ServedVersions

if TYPE_CHECKING:
    from beltline.serving.rest.access_log import AccessLog
    from beltline.serving.samples.sampler import Sampler

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class ServerMetrics:
    """The metrics of one server."""

    def __init__(self, served: ServedVersions) -> None:
        self.sampler: Sampler | None = None
        self.access_log: AccessLog | None = None
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "beltline_requests",
            "Requests answered.",
            ["endpoint", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "beltline_request_seconds",
            "Time from a request's first byte read to its answer sent.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Counter(
            "beltline_rows", "Rows answered by the model.", registry=self._registry
        )
        self._ignored = Counter(
            "beltline_ignored_values",
            "Values of columns that the model does not read; known: the table has the column.",
            ["known"],
            registry=self._registry,
        )
        self._counters: dict[tuple[str, int | str], tuple[Counter, Histogram]] = {}
        self._registry.register(_StateCollector(served, self))

    def count_request(self, endpoint: str, status: int | str, seconds: float) -> None:
        """Counts a request; `endpoint` must be one of a few, whatever the path was.

        Args:
          endpoint: such as `predict`, or `grpc predict`.
          status: HTTP's, or the name of gRPC's code.
          seconds: how long it took.
        """
        found = self._counters.get((endpoint, status))
        if found is None:
            # Looking up labels takes longer than counting.
            found = self._requests.labels(endpoint, status), self._seconds.labels(endpoint)
            self._counters[endpoint, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def count_rows(self, rows: int) -> None:
        """Counts rows that the model answered; over `beltline_batches` they are the batch size."""
        self._rows.inc(rows)
        request = current_request()
        if request is not None:
            request.rows = rows

    def count_ignored(self, known: int, unknown: int) -> None:
        """Counts values of columns that the model doesn't read, by whether the table has them."""
        self._ignored.labels("true").inc(known)
        if unknown:
            self._ignored.labels("false").inc(unknown)

    def page(self) -> bytes:
        """Returns the page."""
        text: bytes = generate_latest(self._registry)
        return text


class _StateCollector(Collector):
    """Metrics of state that others keep, collected when the page is read."""

    def __init__(self, served: ServedVersions, metrics: ServerMetrics) -> None:
        self._served = served
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        live = self._served.live
        yield GaugeMetricFamily(
            "beltline_live_version",
            "The live version; 0 if there is none.",
            value=live.number if live else 0,
        )
        yield GaugeMetricFamily(
            "beltline_queue_rows",
            "Rows that wait for the model.",
            value=self._served.waiting_rows,
        )
        yield CounterMetricFamily(
            "beltline_batches", "Batches that the model ran.", value=self._served.batches
        )
        yield self._versions()
        if self._metrics.sampler is not None:
            yield self._samples(self._metrics.sampler)
        if self._metrics.access_log is not None:
            yield CounterMetricFamily(
                "beltline_access_log_dropped_lines",
                "Lines that are missing in the access log.",
                value=self._metrics.access_log.dropped,
            )

    def _versions(self) -> Metric:
        family = GaugeMetricFamily(
            "beltline_version_state",
            "1 for the state of each version; broken: it could not be loaded.",
            labels=["version", "state", "broken"],
        )
        for state in self._served.states():
            family.add_metric([str(state.number), state.state, str(bool(state.error)).lower()], 1)
        return family

    def _samples(self, sampler: Sampler) -> Metric:
        family = CounterMetricFamily(
            "beltline_sampled_rows", "Rows taken for the samples.", labels=["outcome"]
        )
        family.add_metric(["written"], sampler.written)
        family.add_metric(["dropped"], sampler.dropped)
        return family
