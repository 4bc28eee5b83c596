"""The hyperparameters that an earlier run has searched, which later runs use until re-tuned."""

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from beltline.storage import folders

TUNED = "tuned"
PROBLEM = "problem"
"""Under this name the hyperparameters say what they were searched for."""


class LastTuned(resolver.ResolverStrategy):
    """Resolves `tuned` to the best hyperparameters of the last search; to nothing without one.

    Only a search for the same problem counts, and one whose result is still there.

    Args:
      problem: what today's models predict, from which columns and with which network, as text.
    """

    def __init__(self, problem: str):
        self._problem = problem

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Returns the one, or an empty list: then the Tuner searches."""
        del store
        searched = [each for each in input_dict.get(TUNED, []) if self._fits(each)]
        return {TUNED: sorted(searched, key=lambda each: each.id)[-1:]}

    def _fits(self, searched: types.Artifact) -> bool:
        same = searched.get_string_custom_property(PROBLEM) == self._problem
        return same and folders.exists(searched.uri)


CHANNELS = {TUNED: types.Channel(type=standard_artifacts.HyperParameters)}
