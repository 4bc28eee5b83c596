"""The model card of the version that Pusher is about to push, where its executor finds it.

It has the numbers of the run's report, which the executor can't import. So it is made here, before
the executor runs, and left among its temporary files. Number and time of the version are known to
`version.json` alone, which is beside it.
"""

import json
import logging
from pathlib import Path
from typing import Any

from beltline.bundle.manifest import Manifest
from beltline.runners.node.stopping import NodeStopped
from beltline.versions.folder import MODEL_CARD

log = logging.getLogger("beltline.node")


def leave_card(manifest: Manifest, metadata: str, info: Any) -> None:
    """Writes the model card of a run. A run without one is pushed all the same.

    Args:
      manifest: the bundle's.
      metadata: the URL of ML Metadata.
      info: TFX's information on Pusher's execution.
    """
    # TFX's executors have a folder of their own below its folder for temporary files.
    file = Path(info.tmp_dir) / str(info.execution_id) / MODEL_CARD.name
    try:
        text = json.dumps(_card(manifest, metadata, info), indent=2, allow_nan=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="utf-8")
    except NodeStopped:
        raise
    except Exception:
        log.warning("the version will have no model card", exc_info=True)


def _card(manifest: Manifest, metadata: str, info: Any) -> dict[str, Any]:
    # Only Pusher needs the report.
    from beltline.runners.metadata.store import Lineage
    from beltline.runners.report import build_report
    from beltline.runners.report.card import card_of

    run = info.pipeline_run_id
    lineage = Lineage(metadata, manifest.name)
    nodes = {each.node: each for each in lineage.nodes(run)}
    # A card tells nothing of other versions, which may be far away.
    nodes.pop("Champion", None)
    described = {"run": run, "state": "running", "version": "", "nodes": []}
    nowhere = Path(info.tmp_dir) / manifest.name
    report = build_report(described, nodes, lineage, nowhere, manifest)
    version = {
        "refit": bool(info.input_dict.get("judged_model")),
        "digests": {"data": report.data.get("digest", ""), "code": info.exec_properties["code"]},
        "problem": json.loads(info.exec_properties["problem"]),
    }
    return card_of(report, version)
