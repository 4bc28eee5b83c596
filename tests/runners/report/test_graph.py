import re

from beltline.runners.report.graph import picture

LINE = {
    "ExampleGen": (),
    "Schema": (),
    "StatisticsGen": ("ExampleGen",),
    "Transform": ("ExampleGen", "Schema"),
    "Validator": ("Schema", "StatisticsGen"),
    "Gate": ("StatisticsGen", "Validator"),
    "Trainer": ("Gate", "Transform", "Schema"),
    "Pusher": ("ExampleGen", "Trainer"),
}


def corners(line):
    """Where a line begins and ends."""
    numbers = [tuple(map(float, pair)) for pair in re.findall(r"([-\d.]+),([-\d.]+)", line)]
    return numbers[0], numbers[-1]


def test_each_line_joins_a_node_with_one_to_the_right_of_it():
    found = picture(LINE)
    left = {(x, y + found.box_height / 2): node for node, (x, y) in found.boxes.items()}
    right = {(x + found.box_width, y): node for (x, y), node in left.items()}
    joined = {(right[a], left[b]) for a, b in map(corners, found.lines)}
    # Those that a longer way implies are left out.
    assert joined == {
        ("ExampleGen", "StatisticsGen"),
        ("ExampleGen", "Transform"),
        ("Schema", "Transform"),
        ("Schema", "Validator"),
        ("StatisticsGen", "Validator"),
        ("Validator", "Gate"),
        ("Gate", "Trainer"),
        ("Transform", "Trainer"),
        ("Trainer", "Pusher"),
    }
    assert all(found.boxes[a][0] < found.boxes[b][0] for a, b in joined)


def test_boxes_do_not_overlap_and_are_inside():
    found = picture(LINE)
    assert len(set(found.boxes.values())) == len(LINE)
    for node, (x, y) in found.boxes.items():
        assert 0 < x < found.width - found.box_width
        assert 0 < y < found.height - found.box_height
        for other, (left, top) in found.boxes.items():
            apart = abs(x - left) > found.box_width or abs(y - top) > found.box_height
            assert other == node or apart


def test_no_line_runs_through_a_box():
    found = picture(LINE)
    for line in found.lines:
        # The straight parts are those in which a line passes a layer.
        for x, y in re.findall(r" ([-\d.]+),([-\d.]+)H", line):
            middles = [
                top + found.box_height / 2 for left, top in found.boxes.values() if left == float(x)
            ]
            assert float(y) not in middles


def test_a_node_is_as_late_as_it_may_be():
    found = picture(LINE | {"Champion": ()} | {"Pusher": ("Trainer", "Champion")})
    assert found.boxes["Champion"][0] == found.boxes["Trainer"][0]


def test_one_node_and_a_predecessor_that_is_not_there():
    found = picture({"Only": ("Missing",)})
    assert (found.lines, found.boxes["Only"]) == ([], (1.0, 1.0))
