"""The vocabularies are those of TF Transform's own analyzer, column by column."""

import pytest

pytestmark = pytest.mark.slow

MOST = 5
COLUMNS = {
    # Of equally frequent values, some are left out; the largest in bytes come first.
    "ties": ["b", "a", "c", "d", "e", "f", "g", "Ü", "Ü", "z", "z"],
    # What has no line of its own can't be kept: nothing, and line breaks.
    "awkward": ["", " ", "a\nb", "a\rb", "1:x", ";", "1;", "1;", "x y", "x y", ""],
    "nothing": [""] * 11,
    "one": ["only"] * 11,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """What each value becomes, by our analyzer and by TF Transform's; and the sizes."""
    import tensorflow as tf
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam

    from beltline.models.vocabulary import learn, learnt_sizes

    def preprocess(inputs):
        table = tf.stack([inputs[name] for name in COLUMNS], axis=1)
        found, _ = learn(table, MOST)
        outputs = {f"ours_{name}": found[:, place] for place, name in enumerate(COLUMNS)}
        for name in COLUMNS:
            outputs[f"stock_{name}"] = tft.compute_and_apply_vocabulary(
                inputs[name], top_k=MOST, vocab_filename=name
            )
        return outputs

    folder = tmp_path_factory.mktemp("vocabulary")
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in COLUMNS}
    rows = [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)
    ]
    with tft_beam.Context(temp_dir=str(folder / "tmp")):
        (transformed, _), graph = (
            rows,
            tft.DatasetMetadata.from_feature_spec(spec),
        ) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    output = tft.TFTransformOutput(str(folder / "graph"))
    return transformed, learnt_sizes(output, len(COLUMNS)), output


@pytest.mark.parametrize("name", COLUMNS)
def test_each_value_has_its_stock_place(places, name):
    transformed, _, _ = places
    ours = [int(row[f"ours_{name}"]) for row in transformed]
    assert ours == [int(row[f"stock_{name}"]) for row in transformed]
    assert max(ours) >= 0 or name == "nothing"


def test_each_column_has_its_stock_size(places):
    _, sizes, output = places
    # TF Transform keeps a line that stands for nothing where there is none.
    stock = [output.vocabulary_size_by_name(name) for name in COLUMNS]
    assert [size or 1 for size in sizes] == stock
    assert sizes == [MOST, MOST, 0, 1]
