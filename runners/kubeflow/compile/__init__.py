"""Writes packages for Kubeflow Pipelines from a bundle and the settings, with Kubeflow's DSL.

package.py     the packages of the pipeline and of the monitoring
parts.py       their tasks; a further task is a method here
pods.py        what the pods of the tasks get: volume, secrets, resources
components.py  components without a decorated function for each
limits.py      the size limits of a package
"""
