"""Approval: what a person has decided about the version that waits, recorded and carried out.

record.py   writes the decision to ML Metadata, and tells the tools of a version that is live
command.py  carries out an answer that was given in an orchestrator, as a node would be run
"""
