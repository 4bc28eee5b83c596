"""An example: runs whenever the pipeline has pushed a new version, and only then.

Copy it into Airflow's DAG folder; `deploy` is the place for what a new version sets off.
"""

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, task

MODEL = Asset("beltline://casting/model")

with DAG(
    "casting_after_push",
    description="What follows a new version of the casting model",
    schedule=[MODEL],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["beltline", "example"],
) as dag:

    @task
    def deploy(triggering_asset_events: Any = None) -> list[str]:
        """Returns the new versions; most often one."""
        versions = []
        for event in triggering_asset_events[MODEL]:
            print(f"version {event.extra['version']} is in {event.extra['destination']}")
            versions.append(event.extra["version"])
        return versions

    deploy()
