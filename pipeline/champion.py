"""The champion: the model of the last push, which a new model must beat.

TFX's LatestBlessedModelStrategy would also return a model that the serving check refused and
nobody has ever been served by.
"""

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts


class LastPushedModel(resolver.ResolverStrategy):
    """Resolves (`model`, `pushed_model`) to the last pushed model; to nothing where none was."""

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Returns the model and its push, or empty lists: an explicit first run."""
        del store
        models = {model.id: model for model in input_dict.get("model", [])}
        pushes = sorted(input_dict.get("pushed_model", []), key=lambda push: push.id, reverse=True)
        for push in pushes:
            model = models.get(push.get_int_custom_property("model_id"))
            if push.get_int_custom_property("pushed") and model:
                return {"model": [model], "pushed_model": [push]}
        return {"model": [], "pushed_model": []}


CHANNELS = {
    "model": types.Channel(type=standard_artifacts.Model),
    "pushed_model": types.Channel(type=standard_artifacts.PushedModel),
}
