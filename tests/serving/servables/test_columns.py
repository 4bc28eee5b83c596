import json
from dataclasses import replace

import pytest

from beltline.serving.servables.columns import table_columns
from beltline.versions.folder import CARD, find
from tests.serving.servables.counting import Counting

KINDS = {"temp": "number", "mold": "text"}


def test_the_columns_of_a_pushed_version(tmp_path):
    (tmp_path / "1" / CARD).parent.mkdir(parents=True)
    (tmp_path / "1" / "saved_model.pb").touch()
    card = {"problem": {"columns": KINDS, "label": "scrap"}, "unread": ["part_id", "temp", 7]}
    (tmp_path / "1" / CARD).write_text(json.dumps(card))
    found = table_columns(find(tmp_path, 1))
    assert found.kinds == KINDS
    # The card of an older version has but the label.
    assert found.unread == {"part_id", "scrap"}


@pytest.mark.parametrize("columns", [None, [], {"temp": "date"}])
def test_a_version_that_says_nothing_of_its_columns(columns):
    version = replace(Counting().version, problem={"columns": columns, "label": "scrap"})
    assert table_columns(version).kinds == {}
    assert not table_columns(version).unread
