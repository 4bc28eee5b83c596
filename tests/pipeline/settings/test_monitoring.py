import pytest

from beltline.base.errors import WrongInput
from beltline.pipeline.settings.reading import read_project
from beltline.serving.monitoring import MonitoringConfig
from tests.runners.projects import project


def read(folder, section):
    file = project(folder)
    file.write_text(file.read_text() + f"monitoring: {section}\n")
    return read_project(file).settings.monitoring


def test_what_is_set_comes_to_the_check(tmp_path):
    section = read(
        tmp_path,
        "{directory: asked, key: part, labels: arrived, window_hours: 6, skew: 0.2, "
        "metrics: {f1: {lower: 0.5}}}",
    )
    watch = MonitoringConfig.from_settings(
        section.model_dump(mode="json"), tmp_path / "served/line", tmp_path / "root", tmp_path
    )
    assert (watch.folder, watch.requests) == (
        tmp_path / "served/line",
        tmp_path / "root/asked/line",
    )
    assert (watch.settings.key, watch.labels) == ("part", tmp_path / "arrived")
    assert watch.settings == section


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{labels: arrived}", "monitoring.labels: needs `key`"),
        ("{metrics: {auc: {lower: 0.5}}}", "monitoring.metrics: needs `labels`"),
        ("{key: part, without: [part]}", "monitoring.key: is in `without`"),
        (
            "{key: part, labels: x, metrics: {rmse: {upper: 1}}}",
            "monitoring.metrics.rmse: invalid metric 'rmse' for a binary label",
        ),
        ("{sample_rate: 2}", "monitoring.sample_rate: Input should be less than or equal to 1"),
        ("{drift: 0}", "monitoring.drift: Input should be greater than 0"),
    ],
)
def test_what_does_not_go_together(tmp_path, section, message):
    with pytest.raises(WrongInput, match=message.replace("(", r"\(")):
        read(tmp_path, section)
