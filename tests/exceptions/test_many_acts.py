"""Playbooks and bulk runs over HTTP: worded, put live, rehearsed; previewed, run row by row, downloaded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from core import actors
from core.models import Job, User
from exceptions.models import ActionRun, BulkRow, Case, RulebookVersion
from exceptions.playbook import Condition, Steps, judge, next_step
from exceptions.services import bulk_acting, rulebooks, whatif
from tests.exceptions.test_acting import PAID, _level, boss, till, tills

__all__ = ["boss", "till", "tills"]
pytestmark = pytest.mark.django_db
HX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_REQUEST_TYPE": "partial"}


@pytest.fixture
def chief(client):
    user = User.objects.create_superuser("chief@example.com", "a long enough password", name="Chi Chief")
    client.force_login(user)
    return user


def test_a_playbook_offers_its_steps_in_order_and_says_why_it_skips_one():
    steps = Steps.model_validate(
        {
            "steps": [
                {"action": "look", "when": [{"field": "value", "op": "at_least", "value": "100"}]},
                {"action": "pay", "when": [{"field": "data.kind", "op": "one_of", "value": "till, safe"}]},
            ]
        }
    )

    small = judge(steps, {"value": Decimal(50), "data.kind": "Safe"})

    assert [each.skipped for each in small] == ["Only when value at risk is at least 100", ""]
    assert next_step(small, lambda action: False) == 1
    assert next_step(judge(steps, {"value": 500, "data.kind": "till"}), lambda action: action == "look") == 1
    assert next_step(small, lambda action: action == "pay") is None
    assert not Condition(field="channel", op="is", value="x").holds({})


def test_a_playbook_is_worded_put_live_and_shown_on_the_case(client, chief, till):
    case = till()
    client.post(reverse("exceptions:rulebook_draft", args=[PAID.code]), **HX)
    address = reverse("exceptions:rulebook_version", args=[PAID.code, 1])
    form = {
        "v": 1, "s0-action": "look", "s0-note": "First look", "s0-c0-field": "value", "s0-c0-op": "below",
        "s0-c0-value": "10", "s1-action": "pay", "note": "",
    }  # fmt: skip

    wrong = client.post(address, {**form, "s0-c0-value": "much"}, **HX)
    assert wrong.status_code == 422
    assert "compare with a number" in wrong.content.decode()
    assert client.post(address, {**form, "do": "add"}, **HX).status_code == 200
    client.post(address, form, **HX)
    client.post(reverse("exceptions:rulebook_launch", args=[PAID.code, 1, "live"]), {"v": 2}, **HX)

    assert RulebookVersion.objects.get().status == "LIVE"
    html = client.get(reverse("exceptions:detail", args=[case.pk])).content.decode()
    assert "0 of 2 done, version 1" in html
    assert "Skipped. Only when value at risk is below 10." in html
    assert client.get(address).status_code == 200
    assert client.get(reverse("exceptions:rulebooks")).status_code == 200
    assert client.get(reverse("exceptions:rulebook", args=[PAID.code])).status_code == 200


def test_what_a_version_would_have_done_last_week(client, chief, till):
    till("1", holds=120)
    till("2", holds=500)
    actor = actors.person(chief)
    version = rulebooks.draft(rulebooks.open_book(PAID.code, actor=actor).pk, actor=actor)
    document = {"steps": [{"action": "pay", "when": [{"field": "value", "op": "at_least", "value": "200"}]}]}
    rulebooks.save(version.pk, document=document, note="", version=None, actor=actor)

    job = whatif.start(version.pk, actor=actor)
    whatif.work(job.pk)

    result = Job.objects.get(pk=job.pk).result
    assert (result["cases"], result["steps"][0]["offered"], result["steps"][0]["skipped"]) == (2, 1, 1)
    page = client.get(reverse("exceptions:rulebook_version", args=[PAID.code, 1])).content.decode()
    assert "2 cases of this reason in 7 days" in page


def test_many_are_previewed_run_once_each_and_told_row_by_row(client, chief, till):
    good, over = till("1"), till("2")
    ids = [good.pk, over.pk]
    asked = client.post(reverse("exceptions:bulk_act"), {"id": ids, "scope": "page"}, **HX)
    assert "Pay out (2)" in asked.content.decode()

    wanted = {"id": ids, "scope": "page", "action": "pay"}
    asking = client.post(reverse("exceptions:bulk_act"), wanted, **HX)
    assert (asking["HX-Retarget"], "How much" in asking.content.decode()) == ("#dialog", True)
    wrong = client.post(reverse("exceptions:bulk_act"), {**wanted, "asked": "pay", "p-euros": "many"}, **HX)
    assert (wrong.status_code, "A whole number" in wrong.content.decode()) == (422, True)
    assert not Job.objects.exists()
    client.post(reverse("exceptions:bulk_act"), {**wanted, "asked": "pay", "p-euros": "60"}, **HX)
    seen = Job.objects.get(kind=bulk_acting.PREVIEW)
    bulk_acting.preview(seen.pk)
    assert (_level("1"), _level("2")) == (120, 120)
    html = client.get(reverse("exceptions:bulk_job", args=[seen.pk])).content.decode()
    assert "Run it on 2 cases" in html
    Case.objects.get(pk=over.pk)
    from exceptions.services import cases

    cases.waive(over.pk, reason="Not this one", actor=actors.person(chief))
    client.post(reverse("exceptions:bulk_run", args=[seen.pk]), **HX)
    job = Job.objects.get(kind=bulk_acting.RUN)
    bulk_acting.run(job.pk)
    bulk_acting.run(job.pk)

    rows = dict(BulkRow.objects.values_list("case_id", "outcome"))
    assert rows == {good.pk: "done", over.pk: "refused"}
    assert (_level("1"), _level("2"), ActionRun.objects.get().job_id) == (60, 120, job.pk)
    assert client.post(reverse("exceptions:bulk_run", args=[seen.pk]), **HX).status_code == 409
    assert client.get(reverse("exceptions:bulk_job", args=[job.pk])).status_code == 200
    file = b"".join(client.get(reverse("exceptions:bulk_rows", args=[job.pk])).streaming_content).decode()
    assert f"EX-{over.pk}" in file
    assert "is already resolved" in file


def test_apply_approve_and_undo_on_screen(client, chief, boss, person, till):
    from tests.exceptions.test_acting import rules

    case = till()
    rules("20", boss)
    asker = person()
    client.force_login(asker)
    shown = client.get(reverse("exceptions:act", args=[case.pk, "pay"]), {"euros": "30"}, **HX).content.decode()
    assert "Ask for approval" in shown
    client.post(reverse("exceptions:act", args=[case.pk, "pay"]), {"v": case.version, "euros": "30"}, **HX)
    request = case.approvals.get()
    decide = reverse("exceptions:decide_approval", args=[request.pk, "approve"])
    assert client.post(decide, **HX).status_code == 403
    client.force_login(boss)
    assert "Pay out" in client.get(reverse("exceptions:approvals")).content.decode()
    assert client.get(reverse("exceptions:approval", args=[request.pk])).status_code == 200
    client.post(decide, **HX)
    assert _level("1") == 90
    run = ActionRun.objects.get()
    assert "Bo Boss" in client.get(reverse("exceptions:run", args=[run.pk])).content.decode()
    assert client.get(reverse("exceptions:runs")).status_code == 200
    client.force_login(asker)
    client.post(reverse("exceptions:undo", args=[run.pk]), **HX)
    assert _level("1") == 120
    assert client.post(reverse("exceptions:undo", args=[run.pk]), **HX).status_code == 409
