"""The schema that `beltline init` writes: a TensorFlow Metadata text proto, a line per feature.

What the data gate should know of a further kind of column goes into `_feature`.
"""

import math

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from beltline.base.values import MAX_WHOLE
from beltline.pipeline.init.feature_selection import is_timestamp
from beltline.pipeline.init.inference import InferredProject
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.init.profile import ColumnProfile

MOST_LISTED_VALUES = 100
MOST_CATEGORY_NUMBERS = 128
FEWEST_ROWS_PER_CATEGORY = 20
SEEN_BEFORE = 0.95
_MOST_SEEN_ONCE = 0.02
_SMALLEST_SPLIT = 0.1
_WIDTH = 100


_HEAD = """\
# What each column must look like; the data gate stops a run whose data differ.
#   presence.min_fraction   least share of rows with a value; without presence a column may be empty
#   domain                  the string_domain below that lists its values; of the rows with a value
#     min_domain_mass       at least this share must be one of them
#   is_categorical          whole numbers that stand for categories (used as number and category)
# Edit freely: https://www.tensorflow.org/tfx/data_validation/get_started
"""


def schema_text(inferred: InferredProject) -> str:
    """Returns the schema of the label and the features as a text proto with comments."""
    label = inferred.label
    features = [_label(label), *(_feature(column) for column in inferred.features)]
    domains = {label.column.name: list(label.classes)} if label.classes else {}
    domains |= {c.name: listed_values(c) for c in inferred.features if listed_values(c)}
    lines = [_HEAD, "# The label", _line("feature", features[0]), "", "# The features"]
    lines += [_line("feature", feature) for feature in features[1:]]
    lines += ["", "# The values of text columns"] if domains else []
    lines += [_domain(name, values) for name, values in domains.items()]
    return "\n".join(lines) + "\n"


def listed_values(column: ColumnProfile) -> list[str]:
    """Returns the domain of a text column, sorted; empty with too many or too rare values.

    Times have none, as later rows have later ones.
    """
    once = sum(1 for number in column.counts.values() if number == 1)
    if column.kind != "text" or column.distinct > MOST_LISTED_VALUES or is_timestamp(column):
        return []
    return [] if once > _MOST_SEEN_ONCE * column.counted else sorted(map(str, column.counts))


def stands_for_categories(column: ColumnProfile) -> bool:
    """Returns whether whole numbers are few enough, each often enough, to be learnt one by one."""
    return _repeat(column) and not _are_codes(column)


def _repeat(column: ColumnProfile) -> bool:
    return (
        column.kind == "integer"
        and 2 < column.distinct <= MOST_CATEGORY_NUMBERS
        and column.counted >= FEWEST_ROWS_PER_CATEGORY * column.distinct
    )


def _are_codes(column: ColumnProfile) -> bool:
    """Returns whether categories are numbers that no request could hold, such as hashes."""
    ends = (column.lowest or 0, column.highest or 0)
    return _repeat(column) and max(map(abs, ends)) > MAX_WHOLE


def least_presence(present: int, rows: int) -> float:
    """Returns the `min_fraction` of every split, given the presence in the whole data.

    Room for a later batch that lacks a little more, and for chance in the smallest split.
    """
    share = present / rows
    chance = 4.5 * math.sqrt(share * (1 - share) / (_SMALLEST_SPLIT * rows))
    return max(0.0, math.floor(100 * (share - 0.05 - chance) + 1e-9) / 100)


def _type(column: ColumnProfile) -> "schema_pb2.FeatureType.ValueType":
    """Returns the type; a sensor with whole numbers so far may send 0.5 tomorrow, so FLOAT."""
    if column.kind == "text" or _are_codes(column):
        return schema_pb2.BYTES
    return schema_pb2.INT if stands_for_categories(column) else schema_pb2.FLOAT


def _feature(column: ColumnProfile) -> schema_pb2.Feature:
    feature = schema_pb2.Feature(name=column.name, type=_type(column))
    fraction = least_presence(column.present, column.rows)
    if fraction:
        feature.presence.min_fraction = fraction
        feature.presence.min_count = 1
    feature.value_count.min = feature.value_count.max = 1
    if feature.type == schema_pb2.FLOAT:
        feature.float_domain.disallow_inf = True
    if stands_for_categories(column):
        feature.int_domain.is_categorical = True
    if listed_values(column):
        feature.domain = column.name
        feature.distribution_constraints.min_domain_mass = SEEN_BEFORE
    return feature


def _label(label: InferredLabel) -> schema_pb2.Feature:
    kind = schema_pb2.BYTES if label.classes else schema_pb2.FLOAT
    feature = schema_pb2.Feature(name=label.column.name, type=kind)
    feature.presence.min_fraction = 1.0
    feature.presence.min_count = 1
    feature.value_count.min = feature.value_count.max = 1
    if label.classes:
        feature.domain = label.column.name
        feature.distribution_constraints.min_domain_mass = 1.0
    else:
        feature.float_domain.disallow_inf = True
    return feature


def _line(field: str, message: schema_pb2.Feature | schema_pb2.StringDomain) -> str:
    return f"{field} {{ {_text(message)} }}"


def _text(message: schema_pb2.Feature | schema_pb2.StringDomain) -> str:
    return text_format.MessageToString(message, as_one_line=True, as_utf8=True)


def _domain(name: str, values: list[str]) -> str:
    line = _line("string_domain", schema_pb2.StringDomain(name=name, value=values))
    if len(line) <= _WIDTH:
        return line
    head = f"string_domain {{ {_text(schema_pb2.StringDomain(name=name))}"
    listed = (f"  {_text(schema_pb2.StringDomain(value=[value]))}" for value in values)
    return "\n".join([head, *listed, "}"])
