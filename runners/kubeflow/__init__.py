"""Kubeflow Pipelines: the package, what runs in its pods, and the client of its REST API.

compile/     writes the package from a bundle and the settings
pod/         runs in the pods
server/      talks to Kubeflow's API server
delivery.py  the bundle as text, written by compile/ and read by pod/
tasks.py     the names of a package's tasks, written by compile/ and read by server/
"""
