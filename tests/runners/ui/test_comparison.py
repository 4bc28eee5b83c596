from beltline.runners.ui.comparison import Facts, compare, facts_of


def row(rows, name):
    return next((each.values, each.differs) for each in rows if each.name == name)


def test_what_a_run_lacks_is_no_value_of_its_own():
    found = compare([Facts({}, {"auc": 0.75}, {"N.a.b": 1}), Facts({"span": 2}, {}, {"N.a.c": 1})])
    assert row(found.data, "span") == (["-", "2"], True)
    assert row(found.metrics, "auc") == (["0.75", "-"], True)
    assert row(found.settings, "N.a.b") == (["1", "-"], True)


def test_only_settings_are_left_out_where_they_are_the_same():
    same = Facts({"span": 1}, {"auc": 0.5}, {"N.a": [1, 2], "N.b": {}})
    found = compare([same, same, same])
    assert row(found.data, "span") == (["1", "1", "1"], False)
    assert row(found.metrics, "auc") == (["0.5", "0.5", "0.5"], False)
    assert found.settings == []


def test_settings_of_a_node_that_did_not_run_are_not_compared():
    long, short = {"Gen.path": "a", "Trainer.steps": 5}, {"Gen.path": "b"}
    found = compare([Facts({}, {}, long), Facts({}, {}, short), Facts({}, {}, long)])
    assert [each.name for each in found.settings] == ["Gen.path"]
    found = compare(
        [Facts({}, {}, long), Facts({}, {}, short), Facts({}, {}, {"Trainer.steps": 6})]
    )
    assert [each.name for each in found.settings] == ["Gen.path", "Trainer.steps"]
    assert row(found.settings, "Trainer.steps") == (["5", "-", "6"], True)


def test_what_a_cached_node_was_not_asked_for_is_not_compared():
    ran, cached = {"Gen.path": "a", "Gen.data_digest": "1f"}, {"Gen.path": "a"}
    assert compare([Facts({}, {}, ran), Facts({}, {}, cached)]).settings == []
    other = {"Gen.path": "a", "Gen.data_digest": "2e"}
    found = compare([Facts({}, {}, each) for each in (ran, cached, other)])
    assert row(found.settings, "Gen.data_digest") == (["1f", "-", "2e"], True)


def test_numbers_that_look_the_same_may_differ():
    found = compare([Facts({}, {"auc": 0.12345671}, {}), Facts({}, {"auc": 0.12345672}, {})])
    assert row(found.metrics, "auc") == (["0.123457", "0.123457"], True)
    nan = Facts({}, {"loss": float("nan")}, {})
    assert row(compare([nan, nan]).metrics, "loss") == (["nan", "nan"], False)


def test_a_list_and_a_text_with_umlauts_are_shown_as_they_are():
    found = compare([Facts({"path": "ä.csv"}, {}, {"N.a": ["ö"]}), Facts({}, {}, {"N.a": []})])
    assert row(found.data, "path")[0] == ["ä.csv", "-"]
    assert row(found.settings, "N.a")[0] == ['["ö"]', "[]"]


def test_a_root_without_ml_metadata_has_no_facts():
    assert facts_of(None, []) == Facts({}, {}, {})
