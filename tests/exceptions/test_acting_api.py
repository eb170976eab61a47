"""Acting on cases over HTTP: looked at, done, agreed to by a second person, taken back; and putting cases in order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core import actors
from core.errors import Refusal
from exceptions.models import ActionRun, ApprovalRequest, Case, CaseWatcher, Notice
from exceptions.services import approvals
from integrations.models import ApiClient
from tests.exceptions.test_acting import PAID, _level, boss, rules, till, tills
from tests.exceptions.test_api import Api, api

__all__ = ["PAID", "api", "boss", "till", "tills"]
pytestmark = pytest.mark.django_db


def paths(answer):
    assert answer.status_code == 422, answer.content
    return {(each["path"], each["rule"]) for each in answer.json()["errors"]}


def test_an_action_is_told_what_it_asks_for_and_only_looked_at_on_request(api, till):
    case = till()
    act = f"cases/{case.number}/actions/pay"

    looked = api.post(act, {"params": {"euros": 30}, "dry_run": True})
    same = api.get(f"{act}/preview", {"euros": "30"})

    assert looked.status_code == 200
    seen = looked.json()
    assert [(row["before"], row["after"], row["difference"]) for row in seen["delta"]] == [("120", "90", "-30")]
    assert (seen["amount"], seen["currency"], seen["approval"], seen["said"]) == ("30", "EUR", None, "30 paid.")
    assert same.json() == seen
    assert (_level("1"), ActionRun.objects.count(), Case.objects.get().version) == (120, 0, case.version)
    unlucky = api.post(act, {"params": {"euros": 13}, "dry_run": True}).json()
    assert unlucky["refusal"] == {"code": "unlucky", "detail": "Not thirteen."}


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"euros": "many"}, {("params.euros", "wrong")}),
        ({"euros": "-1"}, {("params.euros", "wrong")}),
        ({"colour": "red", "euros": "１２"}, {("params.colour", "unknown"), ("params.euros", "wrong")}),
    ],
)
def test_what_an_action_is_told_wrongly_is_named_and_changes_nothing(api, till, params, wrong):
    case = till()

    assert paths(api.post(f"cases/{case.number}/actions/pay", {"params": params})) == wrong
    assert paths(api.get(f"cases/{case.number}/actions/pay/preview", params)) == wrong
    assert _level("1") == 120


@pytest.mark.parametrize(
    "params", [{"euros": True}, {"euros": -5}, {"euros": 2**70}, {"euros": [1]}, {"euros": "\x00"}, []]
)
def test_params_of_no_shape_are_400(api, till, params):
    case = till()

    assert api.post(f"cases/{case.number}/actions/pay", {"params": params}).status_code == 400
    assert _level("1") == 120


def test_a_run_is_told_listed_and_taken_back_once(api, till):
    case = till()

    done = api.post(f"cases/{case.number}/actions/pay", {"params": {"euros": 30}}).json()
    back = f"cases/{case.number}/runs/{done['run']['id']}/undo"
    undone = api.post(back)
    again = api.post(back)

    assert (done["approval"], done["run"]["amount"], done["case"]["outcome"]) == (None, "30.0000", "cleared")
    assert (undone.status_code, undone.json()["case"]["status"]) == (200, "OPEN")
    assert (again.status_code, again.json()["code"], _level("1")) == (409, "already_undone", 120)
    runs = api.get(f"cases/{case.number}/runs").json()["items"]
    assert [(row["undoes"], row["delta"][0]["difference"]) for row in runs] == [
        (done["run"]["id"], "30"),
        (None, "-30"),
    ]
    assert "ref" not in runs[0]["delta"][0]
    assert api.post(f"cases/{case.number}/runs/{2**70}/undo").status_code == 404


def test_above_an_amount_a_program_asks_and_a_person_agrees(api, till, boss):
    case = till()
    rules("20", boss)

    asked = api.post(f"cases/{case.number}/actions/pay", {"params": {"euros": 30}}, key="k1")
    repeat = api.post(f"cases/{case.number}/actions/pay", {"params": {"euros": 30}}, key="k1")
    other = api.post(f"cases/{case.number}/actions/pay", {"params": {"euros": 70}})

    assert (asked.status_code, asked.json()["approval"]["status"], asked.json()["run"]) == (202, "WAITING", None)
    assert repeat.content == asked.content
    assert (other.status_code, other.json()["code"]) == (409, "asked_already")
    assert (_level("1"), Notice.objects.get(user=boss).kind) == (120, "approval")
    run = approvals.approve(asked.json()["approval"]["id"], actor=actors.person(boss))
    assert (run.actor_kind, run.approver_id, _level("1")) == ("CLIENT", boss.pk, 90)
    (told,) = api.get(f"cases/{case.number}/approvals").json()["items"]
    assert (told["status"], told["run"], told["asked_by"]["kind"]) == ("APPROVED", run.pk, "CLIENT")


def test_a_request_of_a_key_that_was_withdrawn_is_void(api, till, boss):
    case = till()
    rules("20", boss)
    api.post(f"cases/{case.number}/actions/pay", {"params": {"euros": 30}})
    ApiClient.objects.update(active=False)

    with pytest.raises(Refusal) as refused:
        approvals.approve(ApprovalRequest.objects.get().pk, actor=actors.person(boss))

    assert (refused.value.code, ApprovalRequest.objects.get().status, _level("1")) == ("may_not", "VOID", 120)


def test_a_case_is_put_aside_and_brought_back(api, open_case):
    case = open_case()
    until = (timezone.now() + timedelta(minutes=10)).isoformat()

    aside = api.post(f"cases/{case.number}/snooze", {"until": until, "version": case.version})
    stale = api.post(f"cases/{case.number}/snooze", {"until": until, "version": case.version})
    back = api.post(f"cases/{case.number}/wake", {}, **{"If-Match": aside.headers["ETag"]})

    assert (aside.status_code, stale.status_code, back.status_code) == (200, 409, 200)
    case.refresh_from_db()
    assert case.snoozed_at is None
    assert api.post(f"cases/{case.number}/snooze", {}).json()["code"] == "until_when"
    assert api.post(f"cases/{case.number}/snooze", {"wake_on": "rain"}).status_code == 400


def test_a_symptom_stands_under_its_root_and_duplicates_are_merged(client, api, open_case, site):
    root, symptom, same = open_case(), open_case(), open_case()

    linked = api.post(f"cases/{symptom.number}/link", {"root": root.number})
    apart = api.post(f"cases/{symptom.number}/unlink", {"note": "Not it"}, **{"If-Match": linked.headers["ETag"]})
    stale = api.post(f"cases/{root.number}/merge", {"cases": [same.number]}, **{"If-Match": '"v9"'})
    merged = api.post(f"cases/{root.number}/merge", {"cases": [same.number], "version": root.version})

    assert (linked.json()["parent"], apart.json()["parent"]) == (root.number, None)
    assert (stale.status_code, merged.status_code) == (412, 200)
    same.refresh_from_db()
    assert (same.outcome, same.parent_id) == ("duplicate", root.pk)
    leeds = Api(client, sites=[site])
    here = open_case(site_id=site.pk)
    assert leeds.post(f"cases/{here.number}/link", {"root": root.number}).status_code == 404
    assert leeds.post(f"cases/{here.number}/merge", {"cases": [symptom.number]}).status_code == 404
    symptom.refresh_from_db()
    assert symptom.is_open


def test_people_hear_of_a_case_they_may_see(api, open_case, person, site):
    case = open_case()
    amira, elsewhere = person(), person("Bea Berg", site)

    for _ in range(2):
        assert api.post(f"cases/{case.number}/watch", {"person": amira.email}).status_code == 200
    blind = api.post(f"cases/{case.number}/watch", {"person": elsewhere.email})
    noted = api.post(f"cases/{case.number}/notes", {"text": f"@{amira.email} look, @nobody too"}).json()

    assert CaseWatcher.objects.get().user_id == amira.pk
    assert (blind.status_code, blind.json()["code"]) == (422, "may_not_see")
    assert ([each["email"] for each in noted["told"]], noted["missed"]) == (
        [amira.email],
        [{"name": "nobody", "why": "is nobody here"}],
    )
    assert Notice.objects.get(user=amira).kind == "mention"
    assert api.post(f"cases/{case.number}/unwatch", {"person": amira.email}).status_code == 200
    assert not CaseWatcher.objects.exists()


def test_reading_alone_changes_nothing(client, open_case, person, till):
    case, reader = till(), Api(client, "cases:read")
    bodies = {
        "snooze": {"wake_on": "anything"}, "wake": {}, "link": {"root": "EX-1"}, "unlink": {},
        "merge": {"cases": ["EX-1"]}, "watch": {"person": "a@b.c"}, "unwatch": {"person": "a@b.c"},
        "runs/1/undo": {}, "actions/pay": {"params": {"euros": 1}},
    }  # fmt: skip

    assert {reader.post(f"cases/{case.number}/{verb}", body).status_code for verb, body in bodies.items()} == {403}
    assert (_level("1"), Decimal(0)) == (120, sum(run.amount or 0 for run in ActionRun.objects.all()))
