"""Whatever a tool does, the caller goes on, and the others are told."""

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.tracking import Tracking
from beltline.runners.paths import TRACKING, WEBHOOK, Paths
from beltline.runners.tracking.failures import safely
from beltline.runners.tracking.tell import TOOLS, tell, wanted
from tests.bundle.bundles import manifest


def test_one_tool_that_is_down_keeps_no_other_from_being_told(story, receiver):
    receiver.statuses = [400]
    [problem] = story.pushed().tell(webhook={"url": receiver.url}, prometheus="line.prom")
    assert problem.startswith("tracking.webhook: ")
    assert (story.root / "line.prom").exists()


def test_without_tools_nothing_is_read(story):
    """ML Metadata may be on another continent."""
    result = story.pushed().result()
    (story.root / "metadata.sqlite").write_text("no database")
    assert tell(story.paths(), manifest(), result) == []


def test_a_run_that_cannot_be_read_is_said_by_each_tool(story, receiver):
    result = story.pushed().result()
    (story.root / "metadata.sqlite").write_text("no database")
    paths = story.paths(webhook={"url": receiver.url}, prometheus="line.prom")
    problems = tell(paths, manifest(), result)
    assert [problem.split(":")[0] for problem in problems] == [
        "tracking.webhook",
        "tracking.prometheus",
    ]


def test_what_a_library_says_is_shown_unless_it_quotes_a_url():
    def fail(error):
        raise error

    [plain] = safely("tracking.x", "run r1", lambda: fail(ValueError("no such column")))
    assert plain == "tracking.x: run r1 was not reported: ValueError: no such column"
    [hidden] = safely("tracking.x", "run r1", lambda: fail(ValueError("http://h/s3cret failed")))
    assert hidden == "tracking.x: run r1 was not reported: ValueError"


def test_each_tool_has_a_setting():
    assert set(TOOLS) <= set(Tracking.model_fields)
    assert wanted(Tracking()) == []


def test_the_webhook_of_the_environment_is_wanted(monkeypatch):
    monkeypatch.setenv(WEBHOOK, "http://127.0.0.1:1")
    assert wanted(Tracking()) == ["webhook"]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ('{"webhook": {"url": "ftp://host"}}', "webhook.url"),
        ('{"webhook": {"url": "https://me:pass@host/"}}', "webhook.url"),
        ('{"webhook": {"url": "http://"}}', "webhook.url"),
        ('{"webhook": {"events": ["started"]}}', "webhook.events.0"),
        ('{"webhook": {"on": ["failed"]}}', "webhook.on"),
        ('{"prometheus": "line.txt"}', "prometheus"),
        ('{"prometheus": "folder/.prom"}', "prometheus"),
        ('{"prometheus": 7}', "prometheus"),
        ("[]", ""),
    ],
)
def test_an_invalid_section(section, key, monkeypatch):
    monkeypatch.setenv(TRACKING, section)
    with pytest.raises(WrongInput, match=f"BELTLINE_TRACKING: {key}.*write the section `tracking`"):
        Paths.from_environment()


def test_the_section_goes_along_to_the_nodes(monkeypatch):
    chosen = Tracking.model_validate({"webhook": {"url": "https://h/a", "events": ["drift"]}})
    for name, value in Paths.from_environment(tracking=chosen).environment().items():
        monkeypatch.setenv(name, value)
    assert Paths.from_environment().tracking == chosen
