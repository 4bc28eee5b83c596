"""Tells an MLflow server which version is live, after a promotion or a rollback."""

from beltline.base.settings.tracking import Tracking
from beltline.runners.tracking.failures import NotTold, safely
from beltline.runners.tracking.mlflow_server import Mlflow

ALIAS = "live"


def tell_live(tracking: Tracking, pipeline: str, version: int) -> list[str]:
    """Moves the alias to the version that somebody made live; returns what went wrong, if anything.

    Args:
      tracking: the section.
      pipeline: the pipeline's name.
      version: the version that is live now.
    """
    if tracking.mlflow is None:
        return []
    server = Mlflow(tracking.mlflow)

    def move() -> None:
        number = server.registered(pipeline, str(version))
        if not number:
            raise NotTold("it is not registered there")
        server.alias(pipeline, ALIAS, number)

    return safely("tracking.mlflow", f"version {version} as live", move)
