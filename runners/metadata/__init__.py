"""ML Metadata: the state of a run, the lineage of a version, and reconciliation after a kill."""
