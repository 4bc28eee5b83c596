"""Nodes that share a pod, whichever orchestrator starts it.

groups.py    which nodes share one
task.py      runs in the pod: the nodes of a group
log_line.py  their results as lines of the pod's log
"""
