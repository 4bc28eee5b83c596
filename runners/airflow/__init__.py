"""Airflow: the DAG file that a site's Airflow loads, and what writes it with its bundle."""
