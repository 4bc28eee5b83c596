"""ML Metadata: the state of a run, the lineage of a version, and reconciliation after a kill.

Everything here goes through `store.Lineage`: to read or write something else, add a method there.
To support another database, add it to `base/database_url.py` and to `connection.connection_config`.
"""
