from beltline.pipeline.init.inference import infer_project
from beltline.pipeline.init.summary import summary_lines


def accounted(folder, label, **columns):
    file = folder / "a.csv"
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    return summary_lines(infer_project([file], label))


def test_every_decision_is_said_with_its_reason(tmp_path):
    lines = accounted(
        tmp_path,
        "scrap",
        part=[f"P{i}" for i in range(200)],
        temp=[i * 0.37 % 11 for i in range(200)],
        hour=[i % 10 for i in range(200)],
        mold=["A", "B"] * 100,
        scrap=["ok", "ok", "", "scrap"] * 50,
    )
    assert lines == [
        "200 rows, 5 columns",
        "label      scrap: binary, since it has 2 values ('ok' 100, 'scrap' 50); "
        "positive is 'scrap'",
        "features   3",
        "  1 as a number: temp",
        "  1 as a number and as a category (few whole numbers): hour",
        "  1 as a category (its values are listed in the schema): mold",
        "left out   1",
        "  part: id or free text: every value differs",
        "slices     mold",
        "threshold  auc at least 0.6 (0.5 is chance, 1 is perfect)",
        f"note       50 rows have no label (the first: {tmp_path / 'a.csv'}, line 4); "
        "they are dropped: data.unlabelled",
    ]


def test_hundreds_of_columns_stay_short(tmp_path):
    columns = {f"s{i}": [row * (i % 5 + 1) % 7 / 2 for row in range(50)] for i in range(300)}
    columns |= {f"e{i}": [""] * 50 for i in range(300)}
    lines = accounted(tmp_path, "y", **columns, y=[i / 3 for i in range(50)])
    assert len(lines) < 30
    assert any("and 292 more" in line for line in lines)
    assert "  and 280 more, each with its reason in pipeline.yaml" in lines
    assert "label      y: regression, since it holds numbers (0 to 16.3333)" in lines
