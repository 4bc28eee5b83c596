"""Kubeflow Pipelines: the package that it loads, what runs in its pods, and its REST API."""
