"""What a site's Airflow loads: it imports Airflow and the standard library alone."""
