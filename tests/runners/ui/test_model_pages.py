"""The pages of the versions, and what is done with them: confirmed first, refused otherwise."""

import re

import pytest

from beltline.runners.history import History
from beltline.runners.ui.forms import Forms
from beltline.versions.folder import numbers, waiting
from beltline.versions.live import live, order, promote
from beltline.versions.push import hold, push
from beltline.versions.store import store_of
from tests.runners.cli.commands.test_models import push_model
from tests.runners.projects import Ledger

PROOF = Forms("secret").proof
FORM = {"form": PROOF}


@pytest.fixture
def place(tmp_path, paths):
    """Two versions that were pushed, and one that waits."""
    push_model(tmp_path, "r1", auc=0.81)
    push_model(tmp_path, "r2", auc=0.92, rows=3912.0)
    push_model(tmp_path, "r3", add=hold, auc=0.93)
    return paths.served("served", "line")


@pytest.fixture
def noted(paths, place):
    """ML Metadata has the run of the version that waits."""
    ledger = Ledger(paths.metadata)
    ledger.run("r3")
    held = {"pushed": 0, "waiting_version": "3"}
    ledger.node("r3", "Pusher", outputs={"pushed_model": ("PushedModel", held)})


def confirmed(client, version, action, **more):
    """Presses a button, and then the one of the page that asks."""
    asked = client.post(f"/models/{version}/{action}", data=FORM)
    assert asked.status_code == 200
    [address] = re.findall(r'action="([^"]*/confirmed)"', asked.text)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.text))
    return client.post(address, data={**fields, **more})


def text(answer):
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def test_without_a_version_the_page_says_how_to_push_one(client, paths):
    assert "No version has been pushed yet; beltline run" in text(client.get("/models"))
    assert not paths.root.exists()


def test_the_versions_and_their_runs(client, place):
    shown = client.get("/models").text
    assert re.findall(r'href="/models/(\d)"', shown) == ["3", "2", "1"]
    assert '<a href="/runs/r2">r2</a>' in shown
    plain = text(client.get("/models"))
    assert "waiting for approval Approve Reject 2026-01-02" in plain
    assert "r2 0.9200 champion 0.5000 3,912" in plain
    assert "1 previous Promote" in plain
    assert 'aria-label="Promote version 1"' in shown


def test_a_run_leads_to_the_version_that_it_pushed(client, paths):
    ledger = Ledger(paths.metadata)
    for run, pushed in (("r1", {"pushed": 1, "pushed_version": "7"}), ("r2", {"pushed": 0})):
        ledger.run(run)
        ledger.node(run, "Pusher", outputs={"pushed_model": ("PushedModel", pushed)})
    shown = client.get("/").text
    assert re.findall(r'href="/models/[^"]*">[^<]*', shown) == ['href="/models/7">7']


def test_what_a_card_says_is_no_markup(client, tmp_path, paths):
    place = paths.served("served", "line")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "saved_model.pb").write_text("m")
    push(tmp_path / "m", place, {"run": '"><script>', "metrics": {"<b>": 0.5}})
    shown = client.get("/models").text
    assert "<script" not in shown and "<b>" not in shown
    assert 'href="/runs/%22%3E%3Cscript%3E"' in shown


def test_a_version_with_its_card_and_its_lineage(client, place, noted, paths):
    ledger = Ledger(paths.metadata)
    ledger.run("r2")
    examples = {"rows_train": 70, "data_digest": "<i>" * 20}
    ledger.node("r2", "ExampleGen", outputs={"examples": ("Examples", examples)}, path="line.csv")
    shown = client.get("/models/2")
    plain = text(shown)
    assert "Version 2 live Roll back" in plain
    assert "auc 0.9200 0.5000 +0.4200" in plain
    assert "Digest of the code c0de" in plain
    assert '<a href="/runs/r2">r2</a>' in shown.text
    [picture] = re.findall(r"<svg class=\"lineage\".*?</svg>", shown.text, re.DOTALL)
    assert picture.count("<rect") == 10 and "Answers" in picture
    assert "Version 2 (live) after Blessing, Model." in picture
    assert "<i>" not in shown.text and "&lt;i&gt;" in picture
    assert "style=" not in shown.text
    waits = text(client.get("/models/3"))
    assert "Version 3 waiting for approval Approve Reject" in waits


def test_a_lineage_that_is_not_known_is_said(client, place, paths):
    shown = client.get("/models/1")
    assert shown.status_code == 200 and "auc 0.8100" in text(shown)
    assert "run r1 not found: there is no ML Metadata yet" in text(shown)
    assert not (paths.root / "metadata.sqlite").exists()
    Ledger(paths.metadata)
    assert "run r1 not found in ML Metadata" in text(client.get("/models/1"))


def test_a_promotion_is_confirmed_and_done(client, place):
    asked = client.post("/models/1/promote", data=FORM)
    assert "Version 2 is live now. Version 1 will be live ;" in text(asked)
    assert "auc 0.9200 0.8100" in text(asked)
    assert live(place) == 2
    done = confirmed(client, 1, "promote")
    assert (done.status_code, live(place)) == (200, 1)
    assert "Now serving version 1 (was version 2)" in text(done)


def test_a_rollback_is_confirmed_and_done(client, place):
    asked = client.post("/models/2/rollback", data=FORM)
    assert "Roll back from version 2?" in text(asked)
    assert "Version 1 will be live , which was live before it" in text(asked)
    done = confirmed(client, 2, "rollback")
    assert "Rolled back; now serving version 1 (was version 2)" in text(done)
    assert live(place) == 1


def test_an_approval_is_recorded_with_who_and_why(client, place, noted, paths, monkeypatch):
    monkeypatch.setenv("LOGNAME", "dora")
    asked = client.post("/models/3/approve", data=FORM)
    assert 'name="by" value="dora"' in asked.text
    assert "auc 0.9200 0.9300 0.5000" in text(asked)
    done = confirmed(client, 3, "approve", note="looks <good>")
    assert "Approved; now serving version 3 (was version 2)" in text(done)
    assert (live(place), waiting(place)) == (3, None)
    decision = store_of(place).state().decisions[3]
    assert (decision.by, decision.note) == ("dora", "looks <good>")
    assert History(paths, "line").run("r3").version == "3"
    assert "approved by dora" in text(client.get("/models"))
    assert "looks &lt;good&gt;" in client.get("/models").text


def test_a_rejected_version_is_deleted(client, place):
    asked = text(client.post("/models/3/reject", data=FORM))
    assert "Version 3 will be deleted" in asked and "Version 2 stays live" in asked
    done = confirmed(client, 3, "reject", by="ann", note="odd")
    assert "Version 3 rejected" in text(done)
    assert (live(place), waiting(place), numbers(place)) == (2, None, [1, 2])
    assert "Version 3: rejected by ann" in text(client.get("/models"))
    gone = client.get("/models/3")
    assert gone.status_code == 404 and "Version 3 was rejected by ann" in text(gone)


def test_what_goes_wrong_in_telling_others_is_shown(client, place, paths):
    (paths.root / "metadata.sqlite").write_bytes(b"no database" * 100)
    done = confirmed(client, 3, "approve")
    assert done.status_code == 200 and live(place) == 3
    assert "version 3 is approved, which ML Metadata was not told" in text(done)


@pytest.mark.parametrize(("version", "action"), [(1, "promote"), (2, "rollback"), (3, "approve")])
def test_a_stale_confirmation_changes_nothing(client, place, tmp_path, version, action):
    page = client.post(f"/models/{version}/{action}", data=FORM).text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    promote(place, 1)
    promote(place, 2)
    promote(place, 1)
    before = order(place)
    done = client.post(f"/models/{version}/{action}/confirmed", data=fields)
    assert (done.status_code, order(place)) == (409, before)
    assert "Nothing was changed" in text(done)
    assert "version 1 is live and version 2 is the previous one now" in text(done)
    assert waiting(place).number == 3


def test_what_no_longer_waits_is_not_decided(client, place):
    page = client.post("/models/3/approve", data=FORM).text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    confirmed(client, 3, "reject", by="ann")
    done = client.post("/models/3/approve/confirmed", data=fields)
    assert done.status_code == 409
    assert "Approve: not done" in text(done) and "version 3 was rejected by ann" in text(done)


@pytest.mark.parametrize("action", ["promote", "rollback", "approve", "reject"])
def test_what_cannot_be_done_is_not_even_asked(client, place, action):
    fitting = {"promote": 1, "rollback": 2, "approve": 3, "reject": 3}[action]
    for version in {1, 2, 3} - {fitting}:
        refused = client.post(f"/models/{version}/{action}", data=FORM)
        assert refused.status_code == 409, version
    assert (order(place), waiting(place).number) == ([2, 1], 3)


@pytest.mark.parametrize("end", ["", "/confirmed"])
def test_only_a_form_of_these_pages_changes_anything(client, place, end):
    address, seen = f"/models/1/promote{end}", {"seen": "2,1"}
    assert client.get(address).status_code == 405
    assert client.post(address, data=seen).status_code == 403
    assert client.post(address, data={**seen, "form": "0" * 64}).status_code == 403
    assert client.post(address, params={**FORM, **seen}).status_code == 415
    foreign = {"origin": "http://evil.example"}
    assert client.post(address, data={**FORM, **seen}, headers=foreign).status_code == 403
    client.cookies.clear()
    assert client.post(address, data={**FORM, **seen}).status_code == 403
    assert live(place) == 2


NO_VERSIONS = ("0", "01", "-1", "9", "+1", "1.0", "1e0", "x", "%2e%2e", "%2e%2e%2f1", "1%00")
NO_NUMBERS = (" 1", "1%20", "\u0663", "\u00b2", "9" * 5000, ".waiting-3", "2%2f..%2f1")


@pytest.mark.parametrize("end", ["", "/confirmed"])
def test_a_version_that_is_none(client, place, end):
    for version in (*NO_VERSIONS, *NO_NUMBERS):
        refused = client.post(f"/models/{version}/promote{end}", data={**FORM, "seen": "2,1"})
        assert refused.status_code in (404, 409), version
        assert client.get(f"/models/{version}").status_code in (404, 405), version
    assert live(place) == 2


def test_what_was_seen_must_be_versions(client, place):
    for seen in (None, "x", "2,1,3", "0", "2;1", "2,", ",", "\u00b2", "9" * 5000):
        data = FORM if seen is None else {**FORM, "seen": seen}
        refused = client.post("/models/1/promote/confirmed", data=data)
        assert refused.status_code == 400, seen
    assert live(place) == 2


def test_a_rollback_is_from_the_version_whose_button_it_was(client, place):
    refused = client.post("/models/1/rollback/confirmed", data={**FORM, "seen": "2,1"})
    assert (refused.status_code, live(place)) == (400, 2)


def test_another_action_is_not_found(client, place):
    for action in ("delete", "Promote", "__class__"):
        assert client.post(f"/models/1/{action}", data=FORM).status_code == 404
        assert client.post(f"/models/1/{action}/confirmed", data=FORM).status_code == 404


def test_a_name_is_not_of_any_length(client, place):
    data = {**FORM, "seen": "2,1", "by": "x" * 1001}
    assert client.post("/models/3/approve/confirmed", data=data).status_code == 400
    assert waiting(place).number == 3
