"""Monitoring as a node: compares live requests with the training data where the nodes run.

An orchestrator runs `python -m beltline.runners.monitor` on a schedule and retrains on an alarm.
What is compared is in `serving/monitoring`; to change when an alarm counts, see `alarms.py`.
"""
