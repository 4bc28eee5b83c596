"""What `session.py` relies on inside TensorFlow: one private method, and what it buys."""

import inspect

import numpy as np

ADVICE = (
    "versions/loaded/session.py relies on it: read what took its place in TensorFlow's "
    "python/client/session.py, or use the public `make_callable`, which costs 0.5 ms per call."
)


def test_the_private_method():
    import tensorflow as tf

    method = getattr(tf.compat.v1.Session, "_make_callable_from_options", None)
    assert method is not None, f"tf.compat.v1.Session._make_callable_from_options is gone. {ADVICE}"
    found = list(inspect.signature(method).parameters)
    assert found == ["self", "callable_options"], f"it takes {found}. {ADVICE}"


def test_it_runs_what_is_fed_and_fetched():
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2

    graph = tf.Graph()
    with graph.as_default():
        fed = tf.compat.v1.placeholder(tf.float32, [None], name="x")
        tf.multiply(fed, 2.0, name="y")
    options = config_pb2.CallableOptions(feed=["x:0"], fetch=["y:0"])
    options.run_options.inter_op_thread_pool = -1
    with tf.compat.v1.Session(graph=graph) as session:
        call = session._make_callable_from_options(options)
        [doubled] = call(np.array([1, 2], np.float32))
    assert doubled.tolist() == [2, 4], ADVICE
