"""An example: waits for the day's file, and starts the pipeline when it is there.

Copy it into Airflow's DAG folder and set the two constants. The pipeline must list the asset:

    airflow:
      data_assets: ["beltline://casting/data"]
"""

from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Asset, task

DATA = Asset("beltline://casting/data")
FILES = "/srv/casting/{day}.csv"

with DAG(
    "casting_new_data",
    description="Waits for the day's file of the casting line",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["beltline", "example"],
) as dag:
    # Between two looks it holds no slot of a worker; a day without a file ends as skipped.
    @task.sensor(mode="reschedule", poke_interval=60, timeout=timedelta(hours=20), soft_fail=True)
    def arrived(ds: str = "") -> bool:
        """Returns whether the day's file is there."""
        return Path(FILES.format(day=ds)).is_file()

    @task(outlets=[DATA])
    def announce() -> None:
        """Its end is what starts the pipeline."""

    arrived() >> announce()
