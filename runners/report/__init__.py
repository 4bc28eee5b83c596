"""One page about one run: `report_of(…)` returns a `RunReport`.

    content.py     the sections, read from ML Metadata and the artifacts
    data.py        the columns: statistics.py, anomalies.py
    evaluation.py  the section of the Evaluator: metrics, slices, columns
    learned.py     learners, trials, and the curves of training.py
    curves.py      ROC, precision and recall, calibration, confusion
    why.py         why it was refused, or failed
    settings.py    every setting, and the digests
    card.py        the model card, from the same data
    file.py        the page as a file, which every runner writes at a run's end
    page.py        the page: templates/, with charts.py, pictures.py, histograms.py and graph.py

A section without content says why: the run may have failed earlier, or be older than the section.
To add a section, add a field to `RunReport`, fill it in `build_report`, and show it by a template.
Nothing here needs TensorFlow: what the Evaluator wrote is plain JSON.
"""

from beltline.runners.report.card import model_card
from beltline.runners.report.content import RunReport, build_report, report_of

__all__ = ["RunReport", "build_report", "model_card", "report_of"]
