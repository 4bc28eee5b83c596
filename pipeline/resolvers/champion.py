"""The champion: the live model, which a new model must beat.

That is the model of the last push, unless somebody promoted another version or rolled back since.
TFX's LatestBlessedModelStrategy would also return a model that the serving check refused and
nobody has ever been served by. And a model from before a change of the columns or of the label
can't predict today's rows: there is no champion then, and the run shows that.

Where the live model is a refit (`training.refit`), the one that was judged for it is asked in its
place. The refit has learned from the rows of all splits: it would know the answers to those that
are in today's eval split again, and no candidate could beat it. The candidate's own refit comes
later, too.
"""

import json
from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from beltline.pipeline.paths import served_versions
from beltline.versions.live import live


class LiveModel(resolver.ResolverStrategy):
    """Resolves (`model`, `pushed_model`) to the live model; to nothing where none was pushed.

    Of a refit, to the model that was judged for it.

    Where ML Metadata doesn't know the live version, the model of the last push takes its place.

    Args:
      problem: what today's models predict, and the columns there are (`FeatureSpec.problem`).
      directory: folder of all served models, as the Pusher takes it.
      name: the model's name.
    """

    def __init__(self, problem: str, directory: str, name: str):
        self._problem = json.loads(problem)
        self._folder = served_versions(directory, name)

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Returns the model and its push, or empty lists: an explicit first run."""
        del store
        models = {model.id: model for model in input_dict.get("model", [])}
        pushes = sorted(input_dict.get("pushed_model", []), key=lambda push: push.id, reverse=True)
        known = [push for push in pushes if _judged(push) in models]
        number = str(live(self._folder))
        # Of two with one number the later: its folder was deleted, and the numbers began anew.
        ours = [push for push in known if _number(push) == number]
        were_live = [push for push in known if push.get_int_custom_property("pushed")]
        for push in [*ours, *were_live][:1]:
            if self._fits(json.loads(push.get_string_custom_property("problem") or "{}")):
                return {"model": [models[_judged(push)]], "pushed_model": [push]}
        return dict(_NONE)

    def _fits(self, pushed: dict[str, Any]) -> bool:
        """Returns whether a model made for `pushed` can answer today's rows."""
        today = self._problem
        return all(pushed.get(key) == today[key] for key in ("label", "task", "classes")) and (
            pushed["columns"].items() <= today["columns"].items()
        )


def _number(push: types.Artifact) -> str:
    """Returns the version that a push has made, or has made wait; empty if it has not."""
    made = "pushed_version" if push.get_int_custom_property("pushed") else "waiting_version"
    return push.get_string_custom_property(made)


def _judged(push: types.Artifact) -> int:
    """Returns the id of the model that the push's gates have judged."""
    return push.get_int_custom_property("judged_model_id") or push.get_int_custom_property(
        "model_id"
    )


_NONE: dict[str, list[types.Artifact]] = {"model": [], "pushed_model": []}


CHANNELS = {
    "model": types.Channel(type=standard_artifacts.Model),
    "pushed_model": types.Channel(type=standard_artifacts.PushedModel),
}
