"""Leaders word rules, calendars and rotas on screen; each change is a version, and a look comes before it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from core.models import Calendar, Event, Job
from exceptions.models import EscalationPolicy, Rota, SlaPolicy
from exceptions.services import timers

pytestmark = pytest.mark.django_db
LEVEL = {
    "name": "Usual", "position": "10", "reason": "tests.*", "minimum_severity": "0", "acknowledge_minutes": "20",
    "resolve_minutes": "90", "warn_minutes": "30", "business_time": "on", "enabled": "on",
}  # fmt: skip


@pytest.fixture
def leader(client, person):
    user = person("Lea")
    names = ["slapolicy", "escalationpolicy", "rota", "calendar"]
    codes = [f"{verb}_{name}" for verb in ("view", "change") for name in names]
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client.force_login(user)
    return client


def test_a_service_level_is_looked_at_saved_by_version_and_only_then_reckoned(leader, open_case):
    case = open_case()
    assert leader.post("/ops/service-levels/new", LEVEL | {"code": "usual"}).status_code == 303
    look = leader.post("/ops/service-levels/rule/usual", LEVEL | {"v": "1", "resolve_minutes": "50", "look": "1"})
    assert case.number in look.content.decode()
    assert SlaPolicy.objects.count() == 1

    assert leader.post("/ops/service-levels/rule/usual", LEVEL | {"v": "1", "resolve_minutes": "60"}).status_code == 303
    stale = leader.post("/ops/service-levels/rule/usual", LEVEL | {"v": "1", "resolve_minutes": "70"})
    wrong = leader.post("/ops/service-levels/rule/usual", LEVEL | {"v": "2", "reason": "nothing.like.it"})

    assert (stale.status_code, wrong.status_code) == (409, 422)
    assert list(SlaPolicy.objects.order_by("version").values_list("version", "resolve_minutes", "current")) == [
        (1, 90, False), (2, 60, True),
    ]  # fmt: skip
    page = leader.get("/ops/service-levels/rule/usual").content.decode()
    assert "Version 2" in page
    assert "<s>90</s> 60" in page
    assert "Usual" in leader.get("/ops/service-levels/").content.decode()
    case.refresh_from_db()
    assert case.resolve_minutes == 120

    assert case.number in leader.get("/ops/service-levels/reckon").content.decode()
    assert leader.post("/ops/service-levels/reckon/go", {"expected": "9"}).status_code == 409
    assert leader.post("/ops/service-levels/reckon/go", {"expected": "1"}).status_code == 303
    assert Job.objects.get().kind == "exceptions.reckon"


def test_an_escalation_rule_has_steps_and_a_case_shows_its_ladder(leader, open_case, person):
    rule = {
        "code": "late", "name": "Late", "position": "10", "minimum_severity": "0", "enabled": "on", "s-TOTAL_FORMS": "2",
        "s-INITIAL_FORMS": "0", "s-0-clock": "resolve", "s-0-minutes": "30", "s-0-side": "before",
        "s-0-target": "person", "s-0-letter": "on", "s-1-clock": "resolve", "s-1-minutes": "0", "s-1-target": "on_duty",
    }  # fmt: skip
    refused = leader.post("/ops/escalations/new", rule)
    assert refused.status_code == 422
    assert "whom this step tells" in refused.content.decode()
    rule["s-0-person"] = str(person("Amira Khan").pk)

    assert leader.post("/ops/escalations/new", rule).status_code == 303
    case = open_case(started_at=timezone.now() - timedelta(minutes=100))
    timers.sweep()

    ladder = leader.get(f"/exceptions/{case.pk}/ladder").content.decode()
    assert "30 m before resolve is due" in ladder
    assert ladder.index("Fired") < ladder.index("Next")
    assert "Amira Khan" in leader.get("/ops/escalations/").content.decode()
    assert leader.get("/ops/escalations/rule/late").status_code == 200
    assert EscalationPolicy.objects.get().created_by == "Lea"


def test_a_calendar_is_read_looked_at_and_saved_by_version(leader, site, open_case):
    case = open_case(site_id=site.pk)
    hours = {
        "name": "Shop hours",
        "country": "GB",
        "region": "ENG",
        "days": "2026-12-24 09:00-12:00\n2026-12-27 closed",
    }
    hours |= {f"day{n}": "09:00-12:30, 13:15-18:00" for n in range(6)}

    look = leader.post("/ops/calendars/of/shop", hours | {"v": "1", "look": "1"}).content.decode()
    assert "09:00–12:30, 13:15–18:00" in look
    assert Calendar.objects.get().version == 1

    assert leader.post("/ops/calendars/of/shop", hours | {"v": "1"}).status_code == 303
    assert leader.post("/ops/calendars/of/shop", hours | {"v": "1", "name": "X"}).status_code == 409
    refused = leader.post("/ops/calendars/of/shop", hours | {"v": "2", "day0": "9 to 5", "days": "never"})

    assert refused.status_code == 422
    saved = Calendar.objects.get()
    assert (saved.version, saved.exceptions["2026-12-27"], saved.weekly[6]) == (2, [], [])
    assert Event.objects.get(type="calendar.changed").data["changed"]["country"] == ["", "GB"]
    due = case.resolve_by
    case.refresh_from_db()
    assert case.resolve_by == due
    assert leader.get("/ops/calendars/").status_code == leader.get("/ops/calendars/of/shop").status_code == 200


def test_a_rota_shows_its_gaps_until_somebody_covers_them(leader, open_case, person):
    queue = open_case().queue_id
    shift = {"person": str(person("Amira Khan").pk), "days": [str(n) for n in range(7)], "opens": "00:00",
             "closes": "00:00", "first_day": "2020-01-01", "every_weeks": "1"}  # fmt: skip

    assert "Every hour to be covered" not in leader.get(f"/ops/rotas/{queue}").content.decode()
    assert leader.post(f"/ops/rotas/{queue}", shift | {"days": []}).status_code == 422
    assert leader.post(f"/ops/rotas/{queue}", shift).status_code == 303

    page = leader.get(f"/ops/rotas/{queue}").content.decode()
    assert "Every hour to be covered" in page
    assert "Amira Khan" in leader.get("/ops/rotas/").content.decode()
    assert leader.post(f"/ops/rotas/{queue}/hours", {"time_zone": "No/Where"}).status_code == 422
    assert leader.post(f"/ops/rotas/{queue}/hours", {"time_zone": "Europe/London"}).status_code == 303
    row = Rota.objects.get().shifts.get()
    assert leader.post(f"/ops/rotas/{queue}/{row.pk}/drop").status_code == 303
    assert not Rota.objects.get().shifts.exists()


def test_whoever_only_works_cases_changes_none_of_it(client, person):
    client.force_login(person())

    for path in ("service-levels/", "service-levels/new", "escalations/", "calendars/", "rotas/"):
        assert client.get(f"/ops/{path}").status_code == 403


def test_previews_show_the_persons_own_cases_and_only_count_the_others(client, person, open_case, site):
    other = type(site).objects.create(code="YRK", name="York", calendar=site.calendar)
    lea = person("Lea", site)
    codes = ["view_slapolicy", "change_slapolicy", "view_calendar", "change_calendar"]
    lea.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client.force_login(lea)
    mine, theirs, head_office = open_case(site_id=site.pk), open_case(site_id=other.pk), open_case()
    assert client.post("/ops/service-levels/new", LEVEL | {"code": "usual"}).status_code == 303
    hours = {f"day{n}": "06:00-07:00" for n in range(7)} | {"name": "Shop hours", "v": "1", "look": "1"}

    rule = client.post("/ops/service-levels/rule/usual", LEVEL | {"v": "1", "resolve_minutes": "50", "look": "1"})
    afresh = client.get("/ops/service-levels/reckon")
    calendar = client.post("/ops/calendars/of/shop", hours)

    for page, others in ((rule, "2 open cases"), (afresh, "2 open cases"), (calendar, "1 open case")):
        text = page.content.decode()
        assert mine.number in text
        assert f"It also reaches {others} of places you don’t see" in text
        for case in (theirs, head_office):
            assert f"{case.number}<" not in text
            assert case.subject_label not in text
