"""The files that Airflow loads: they import only Airflow and the standard library.

To add an executor of nodes, write `<where>_nodes.py` with a function `task(deployment, node, …)`
and allow it in the setting `airflow.where`.
"""
