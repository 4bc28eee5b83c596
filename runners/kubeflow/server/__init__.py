"""The client side of Kubeflow's API server: upload, start, schedule, follow.

api.py         the REST API; another part of it is a method here
submission.py  versions, runs and schedules of a pipeline
recurring.py   a recurring run that is kept as the settings say
follow.py      follows a run
pod_logs.py    the logs of a run's pods
"""
