"""Examples for the tests of the server."""

import tensorflow as tf


def example(**features):
    """An Example; `_` is a blank in the name of a column."""
    found = tf.train.Example()
    for name, value in features.items():
        feature = found.features.feature[name.replace("_", " ")]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                feature.bytes_list.value.append(each.encode())
            elif isinstance(each, int):
                feature.int64_list.value.append(each)
            else:
                feature.float_list.value.append(each)
    return found
