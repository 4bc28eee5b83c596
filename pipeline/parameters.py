"""The runtime parameters: what may differ between runs of one bundle.

To add one, add it to `parameters`, and hand its TFX counterpart to a component in `definition.py`.
"""

from tfx.orchestration import data_types

from beltline.bundle.manifest import Parameter
from beltline.pipeline.settings.rows import SPAN_PATTERN
from beltline.pipeline.settings.settings import Settings
from beltline.pipeline.tables.databases import placeholder
from beltline.pipeline.tables.sources import Source

DATA_PATH = "data-path"
SPAN = "span"
PREDICT_SPAN = "predict-span"
STEPS = "steps"

RuntimeParameters = dict[str, data_types.RuntimeParameter]


def parameters(settings: Settings) -> dict[str, Parameter]:
    """Returns the runtime parameters by name; the settings are their defaults.

    A query has no path, and without `:span` in it no span either. The rows to predict have a span
    where their path or their query has a placeholder for it.
    """
    data, predict = settings.data, settings.predict
    found = {}
    if data.path:
        found[DATA_PATH] = Parameter(
            type="string",
            default=data.path,
            does="Where the data are: a file, a folder or a pattern, perhaps with placeholders.",
        )
    if data.path or placeholder.is_in(data.query or ""):
        found[SPAN] = Parameter(
            type="string",
            default=data.span,
            does="Which part of the data: latest, a day as 2026-11-23, or a number.",
            pattern=SPAN_PATTERN,
        )
    if predict and Source.of(predict).has_spans:
        found[PREDICT_SPAN] = Parameter(
            type="string",
            default=predict.span,
            does="Which part of the rows to predict: latest, a day as 2026-11-23, or a number.",
            pattern=SPAN_PATTERN,
        )
    found[STEPS] = Parameter(
        type="integer",
        default=0,
        does="Most training steps; 0 means that the epochs decide.",
    )
    return found


def runtime_parameters(settings: Settings) -> RuntimeParameters:
    """Returns the same as TFX's runtime parameters."""
    types = {"string": str, "integer": int}
    return {
        name: data_types.RuntimeParameter(name, types[each.type], each.default)
        for name, each in parameters(settings).items()
    }
