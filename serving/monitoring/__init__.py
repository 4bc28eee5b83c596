"""Live requests against the training data: `monitor(config)` returns a `MonitoringReport`.

    samples.py       the sampled rows of a window
    config.py        what is compared, and the limits
    reference.py     the training statistics, schema and answers that are pushed with a version
    counting.py      TFDV's statistics of rows, in the reference's own buckets
    distances.py     TFDV's distances and anomalies; novelty.py counts new values
    chance.py        how large a distance may be by chance alone
    comparison.py    the columns, each with its measures and limits (schema_limits.py)
    live_metrics.py  metrics, once labels have arrived (labels.py)
    report.py        the result, as a table and JSON; page.py as a page

A further measure of a column is one more entry in `comparison.py`: a value, its limit, and what
chance alone gives; table, page and alarms follow.
"""

from datetime import datetime

from beltline.base.loading import loading
from beltline.serving.monitoring.config import MonitoringConfig
from beltline.serving.monitoring.report import MonitoringReport

__all__ = ["MonitoringConfig", "MonitoringReport", "monitor"]


def monitor(config: MonitoringConfig, now: datetime | None = None) -> MonitoringReport:
    """Compares the requests of a window with the training data of the live version.

    Args:
      config: what to compare, and the limits.
      now: the end of the window, with its time zone; by default now.

    Raises:
      WrongInput: there is no version, it lacks what to compare with, there are no samples, or the
        labels can't be read; the message says what to do.
    """
    with loading():
        # TensorFlow and TFDV take seconds to load.
        from beltline.serving.monitoring.check import check

    return check(config, now)
