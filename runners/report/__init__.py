"""All there is to know of one run, on one page: `report_of(…)` gives a `Report`.

    content.py     the sections, read from ML Metadata and the artifacts
    judgement.py   of them, what the Evaluator found: figures, slices, columns
    page.py        the page

A section that has nothing to show says why: a run may have failed before, or be older than what the
section shows. A further section is a field of `Report`, filled in `report_of`, and its place in
`page.html`. Nothing here needs TensorFlow: what the Evaluator found is plain JSON.
"""

from beltline.runners.report.content import Report, report_of

__all__ = ["Report", "report_of"]
