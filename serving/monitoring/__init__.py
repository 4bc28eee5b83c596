"""Live requests against the training data: `monitor(config)` returns a `MonitoringReport`.

    samples.py       the sampled rows of a time
    reference.py     what a version says of its training rows and answers
    statistics.py    TFDV's statistics of rows, on the reference's own buckets
    distances.py     TFDV's distances and anomalies
    chance.py        what of a distance is chance alone
    comparison.py    the columns, each with its measures and limits
    live_metrics.py  metrics, once labels have arrived (labels.py)
    report.py        what came out, as a table and JSON; page.py as a page

A further measure of a column is one more entry in `comparison.py`: a value, its limit, and what
chance alone gives; table, page and alarms follow.
"""

from datetime import datetime

from beltline.serving.monitoring.config import MonitoringConfig
from beltline.serving.monitoring.report import MonitoringReport

__all__ = ["MonitoringConfig", "MonitoringReport", "monitor"]


def monitor(config: MonitoringConfig, now: datetime | None = None) -> MonitoringReport:
    """Compares the requests of a time with what the live version was trained on.

    Args:
      config: what to compare, and the limits.
      now: the end of that time, with its zone; by default now.

    Raises:
      WrongInput: there is no version, it lacks what to compare with, there are no samples, or the
        labels can't be read; the message says what to do.
    """
    # TensorFlow and TFDV take seconds to load.
    from beltline.serving.monitoring.check import check

    return check(config, now)
