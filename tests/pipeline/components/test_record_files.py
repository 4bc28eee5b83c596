import tensorflow as tf

from beltline.pipeline.components.record_files import sample


def test_a_sample_is_from_all_over_the_rows_and_the_same_each_time():
    rows = tf.data.Dataset.from_tensor_slices([b"%d" % each for each in range(10_000)])
    found = [int(row) for row in sample(rows.batch(300), 2000)]
    assert len(set(found)) == 2000
    assert 4700 < sum(found) / 2000 < 5300
    assert found == [int(row) for row in sample(rows.batch(300), 2000)]
    assert len(sample(rows.take(50).batch(300), 2000)) == 50
