"""The sections of `pipeline.yaml` that others than the pipeline read, and what a section is.

The pipeline reads the whole file (`pipeline/settings/`). The server and the monitoring are given
`serving` and `monitoring` as options; the runners are given `airflow` and `kubeflow`. Each key, its
default and its description are declared once, here.
"""
