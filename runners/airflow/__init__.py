"""Airflow: the DAG file, what writes it with its bundle, and the client of Airflow's REST API.

compile.py  writes the folder that Airflow loads
dag/        the files in that folder
api.py      Airflow's REST API, for `beltline check airflow`
"""
