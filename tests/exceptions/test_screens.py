"""The queue and a case over HTTP, the way a person meets them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from core import actors
from core.models import Site
from exceptions.models import Case
from exceptions.services import cases
from tests.exceptions.conftest import FLAT, PROBE, RAN, TRUE_OF

pytestmark = pytest.mark.django_db

HX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_REQUEST_TYPE": "partial"}
ON_QUEUE = {**HX, "HTTP_HX_CURRENT_URL": "http://testserver/exceptions/"}


@pytest.fixture
def amira(client, person):
    user = person()
    client.force_login(user)
    return user


def page(client, query: str = "", **headers) -> str:
    response = client.get(reverse("exceptions:queue") + query, **headers)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def shown(html: str) -> list[int]:
    import re

    return [int(pk) for pk in re.findall(r'<tr id="ex-(\d+)"', html)]


def test_the_queue_stands_nearest_its_time_first_under_its_clocks(client, amira, open_case):
    now = timezone.now()
    later = open_case(started_at=now + timedelta(days=1))
    soon = open_case(started_at=now)
    late = open_case(started_at=now - timedelta(hours=3))
    paused = open_case(started_at=now)
    cases.wait(paused.pk, on="customer", actor=actors.person(amira))

    html = page(client)

    assert shown(html) == [late.pk, soon.pk, later.pk, paused.pk]
    headings = [
        html.index(words)
        for words in (
            "Overdue <small>1 row, oldest by",
            "Due within 1 hour <small>1 row",
            "Later <small>1 row",
            "Waiting and put aside <small>1 row, clock stopped",
        )
    ]
    assert headings == sorted(headings)
    assert "<b>£1,648</b>" in html


def test_a_fragment_is_the_list_alone_and_never_kept(client, amira, open_case):
    open_case()

    response = client.get(reverse("exceptions:queue"), **HX)

    html = response.content.decode()
    assert html.lstrip().startswith('<div id="list"')
    assert "<html" not in html
    assert response["Cache-Control"] == "no-store"
    assert "HX-Request" in response["Vary"]


def test_history_restore_gets_the_whole_page(client, amira, open_case):
    assert "<html" in page(client, **HX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")


@pytest.mark.parametrize(
    "query, wanted",
    [
        ("?q=pr-p2", ["p2"]),
        ("?q=hotter", ["p3"]),
        ("?queue=store", ["p3"]),
        ("?reason=tests.flat", ["p3"]),
        ("?severity=3", ["p3"]),
        ("?owner=none", ["p2", "p3"]),
        ("?owner=me", ["p1"]),
        ("?sla=overdue", ["p1"]),
        ("?sla=overdue&sla=soon", ["p1", "p2"]),
        ("?status=WAITING", []),
        ("?status=RESOLVED", ["p4"]),
        ("?subject=probe:p2", ["p2"]),
    ],
)
def test_every_filter_is_in_the_address(client, amira, open_case, query, wanted):
    hours = timezone.now() + timedelta(hours=2)
    made = {
        "p1": open_case("p1", started_at=timezone.now() - timedelta(hours=3)),
        "p2": open_case("p2"),
        "p3": open_case("p3", reason=FLAT.code, summary="Hotter than it should be", started_at=hours),
        "p4": open_case("p4", true=False),
    }
    cases.claim(made["p1"].pk, actor=actors.person(amira))
    cases.resolve(made["p4"].pk, actor=actors.person(amira))

    assert shown(page(client, query)) == [made[uid].pk for uid in wanted]


def test_a_case_is_found_by_its_number(client, amira, open_case):
    case = open_case()
    open_case()

    for text in (case.number, case.number.lower(), str(case.pk)):
        assert shown(page(client, f"?q={text}")) == [case.pk]
    assert (
        reverse("exceptions:detail", args=[case.pk])
        in client.get(reverse("core:search"), {"q": case.number}).content.decode()
    )


@pytest.mark.parametrize(
    "query",
    [
        "?status=NOPE",
        "?sort=password",
        "?sla=never",
        "?owner=x",
        "?severity=9",
        "?after=%00",
        "?reason=x",
        "?site=none",
    ],
)
def test_what_makes_no_sense_is_400(client, amira, open_case, query):
    open_case()

    assert client.get(reverse("exceptions:queue") + query).status_code == 400


def test_pages_of_fifty_never_overlap(client, amira, open_case):
    made = [open_case(started_at=timezone.now() + timedelta(minutes=n)).pk for n in range(60)]

    first = page(client)
    import re

    following = re.search(r'id="page-next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
    second = client.get(following).content.decode()

    assert shown(first) + shown(second) == made
    assert "51 to 60 of 60" in second
    assert re.search(r'id="page-previous" href="([^"]+)"', second)


@pytest.mark.parametrize("sort", ["-due", "value", "-value", "opened", "-opened"])
def test_every_order_pages_without_overlap(client, amira, open_case, sort):
    from decimal import Decimal

    made = {open_case(value=Decimal(n % 7)).pk for n in range(55)}

    seen, address = [], f"{reverse('exceptions:queue')}?sort={sort}"
    import re

    while address:
        html = client.get(address).content.decode()
        seen += shown(html)
        found = re.search(r'id="page-next" href="([^"]+)"', html)
        address = found.group(1).replace("&amp;", "&") if found else ""

    assert len(seen) == 55
    assert set(seen) == made


def test_empty_queues_say_why(client, amira, open_case):
    assert "No cases yet" in page(client)
    case = open_case(true=False)
    assert "No cases match" in page(client, "?q=nothing")
    cases.resolve(case.pk, actor=actors.person(amira))
    assert "All done" in page(client)


def test_people_see_the_cases_of_their_sites_only(client, person, open_case, site):
    other = Site.objects.create(code="YRK", name="York Coney Street")
    mine, foreign, siteless = open_case(site_id=site.pk), open_case(site_id=other.pk), open_case()
    client.force_login(person("Sue", site))

    assert shown(page(client)) == [mine.pk]
    assert "PR-" + foreign.subject_uid not in page(client, f"?q={foreign.subject_uid}")
    for case in (foreign, siteless):
        assert client.get(reverse("exceptions:detail", args=[case.pk])).status_code == 404
        assert client.post(reverse("exceptions:claim", args=[case.pk]), **HX).status_code == 404
    assert client.post(reverse("exceptions:bulk_claim"), {"id": [mine.pk, foreign.pk]}).status_code == 404
    assert Case.objects.filter(owner=None).count() == 3


@pytest.mark.parametrize(
    "name, method",
    [("claim", "post"), ("resolve", "get"), ("pause", "post"), ("note", "post"), ("waive", "get"), ("assign", "get")],
)
def test_looking_is_not_working(client, person, open_case, name, method):
    case = open_case()
    client.force_login(person("Lou", may="view_case"))

    assert getattr(client, method)(reverse(f"exceptions:{name}", args=[case.pk])).status_code == 403
    assert 'data-key="c"' not in page(client)


def test_claiming_answers_the_row_and_the_tallies(client, amira, open_case):
    case = open_case()

    response = client.post(reverse("exceptions:claim", args=[case.pk]), {"v": 1}, **ON_QUEUE)

    html = response.content.decode()
    assert response.status_code == 200
    assert f'hx-target="#ex-{case.pk}"' in html
    assert "You" in html
    assert "<b>0</b><span>Unassigned</span>" in html.replace("\n", "")


def test_a_lost_claim_shows_who_has_it_and_the_fresh_row(client, amira, person, open_case):
    case = open_case()
    cases.claim(case.pk, actor=actors.person(person("Tom Baker")))

    response = client.post(reverse("exceptions:claim", args=[case.pk]), {"v": 1}, **ON_QUEUE)

    html = response.content.decode()
    assert response.status_code == 409
    assert "Tom Baker has EX-" in html
    assert f'<tr id="ex-{case.pk}"' in html
    case.refresh_from_db()
    assert case.owner.name == "Tom Baker"


def test_a_stale_form_is_refused_with_the_fresh_version_and_nothing_else(client, amira, person, open_case):
    case = open_case(true=False)
    cases.claim(case.pk, actor=actors.person(person("Tom Baker")))

    response = client.post(
        reverse("exceptions:pause", args=[case.pk]),
        {"v": 1, "on": "customer", "note": "My long note", "dialog": 1},
        **HX,
        HTTP_HX_CURRENT_URL=f"http://testserver/exceptions/{case.pk}",
    )

    html = response.content.decode()
    assert response.status_code == 409
    assert 'id="dialog-v" value="2"' in html
    assert "<textarea" not in html  # what was typed stays where it is
    assert Case.objects.get(pk=case.pk).status == "OPEN"


def test_a_broken_version_is_400(client, amira, open_case):
    case = open_case()

    assert client.post(reverse("exceptions:claim", args=[case.pk]), {"v": "1e3"}, **HX).status_code == 400


def test_bulk_claim_says_what_became_of_each(client, amira, person, open_case):
    free, taken = open_case(), open_case()
    cases.claim(taken.pk, actor=actors.person(person("Tom Baker")))

    response = client.post(reverse("exceptions:bulk_claim"), {"id": [free.pk, taken.pk], "scope": "page"}, **ON_QUEUE)

    html = response.content.decode()
    assert "1 case claimed" in html
    assert f"{taken.number} is with Tom Baker" in html
    assert shown(html) == [free.pk, taken.pk] or set(shown(html)) == {free.pk, taken.pk}
    free.refresh_from_db()
    assert free.owner == amira


def test_bulk_assign_asks_whom_and_then_assigns(client, amira, person, open_case):
    made, tom = [open_case(), open_case()], person("Tom Baker")
    ids = [c.pk for c in made]

    question = client.post(reverse("exceptions:bulk_assign"), {"id": ids}, **ON_QUEUE).content.decode()
    assert "Assign 2 cases" in question
    assert "Tom Baker" in question
    client.post(reverse("exceptions:bulk_assign"), {"id": ids, "to": tom.pk}, **ON_QUEUE)

    assert set(Case.objects.values_list("owner_id", flat=True)) == {tom.pk}


def test_a_whole_view_is_claimed_only_while_it_is_what_was_seen(client, amira, open_case):
    for _ in range(3):
        open_case()
    form = {"scope": "view", "filter": "queue=orders", "expected": "2"}

    refused = client.post(reverse("exceptions:bulk_claim"), form, **ON_QUEUE)
    assert refused.status_code == 409
    assert not Case.objects.filter(owner=amira).exists()
    done = client.post(reverse("exceptions:bulk_claim"), form | {"expected": "3"}, **ON_QUEUE)

    assert done.status_code == 200
    assert Case.objects.filter(owner=amira).count() == 3


def test_many_at_once_are_a_job(client, amira, person, open_case, django_capture_on_commit_callbacks, settings):
    from core.models import Job
    from exceptions.services import many

    settings.CELERY_TASK_ALWAYS_EAGER = False
    made = [open_case() for _ in range(52)]
    cases.claim(made[0].pk, actor=actors.person(person("Tom Baker")))

    response = client.post(
        reverse("exceptions:bulk_claim"), {"scope": "view", "filter": "", "expected": "52"}, **ON_QUEUE
    )
    assert response.status_code == 202
    job = Job.objects.get()
    many.work_off(job.pk)

    job.refresh_from_db()
    assert (job.status, job.done, job.failed) == ("DONE", 51, 1)
    assert job.failures == [{"row": made[0].number, "reason": "is with Tom Baker"}]
    assert Case.objects.filter(owner=amira).count() == 51


def test_new_cases_are_offered_never_pushed(client, amira, open_case):
    seen = open_case()
    query = {"since": seen.pk, "queue": "orders"}
    assert client.get(reverse("exceptions:new"), query).content.decode().strip() == ""
    open_case(), open_case(reason=FLAT.code)

    html = client.get(reverse("exceptions:new"), query).content.decode()

    assert "1 new" in html
    assert 'href="/exceptions/?queue=orders"' in html


def test_a_case_shows_its_proof_its_actions_and_its_story(client, amira, open_case):
    case = open_case("p1", summary="Reads 40 °C")
    cases.note(case.pk, text="Called the plant.", actor=actors.person(amira))

    html = client.get(reverse("exceptions:detail", args=[case.pk])).content.decode()

    for words in (
        "Evidence: The probe reads 40 °C",
        "Still true",
        "Cool it down",
        "Called the plant.",
        case.number,
        "1 of 1",
    ):
        assert words in html, words


def test_an_action_is_previewed_then_done(client, amira, open_case):
    case = open_case("p1")
    address = reverse("exceptions:act", args=[case.pk, "cool"])

    preview = client.get(address, **HX).content.decode()
    assert "open at probe p1" in preview
    assert RAN == []
    response = client.post(address, {"v": 1, "dialog": 1}, **HX)

    assert response.status_code == 200
    assert RAN == ["p1"]
    assert "Put right." in response.content.decode()
    assert Case.objects.get().outcome == "cleared"


def test_what_is_still_true_can_be_waived_but_not_resolved(client, amira, open_case):
    case = open_case("p1")

    refused = client.post(
        reverse("exceptions:resolve", args=[case.pk]), {"v": 1, "outcome": "fixed", "dialog": 1}, **HX
    )
    assert refused.status_code == 409
    assert "still true" in refused.content.decode()
    short = client.post(reverse("exceptions:waive", args=[case.pk]), {"v": 1, "reason": " ", "dialog": 1}, **HX)
    assert short.status_code == 422
    client.post(reverse("exceptions:waive", args=[case.pk]), {"v": 1, "reason": "Replaced tomorrow", "dialog": 1}, **HX)

    assert Case.objects.get().outcome == "waived"


def test_without_script_every_form_is_a_page(client, amira, person, open_case):
    case = open_case("p1", true=False)
    for name in ("pause", "resolve", "waive", "assign"):
        assert "<html" in client.get(reverse(f"exceptions:{name}", args=[case.pk])).content.decode()

    response = client.post(reverse("exceptions:resolve", args=[case.pk]), {"v": 1, "outcome": "fixed"})

    assert (response.status_code, response["Location"]) == (303, reverse("exceptions:detail", args=[case.pk]))
    assert Case.objects.get().outcome == "fixed"
    assert "<html" in client.get(reverse("exceptions:reopen", args=[case.pk])).content.decode()


def test_pausing_shows_whom_it_waits_for_and_resuming_runs_on(client, amira, open_case):
    case = open_case("p1")
    until = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")

    client.post(reverse("exceptions:pause", args=[case.pk]), {"v": 1, "on": "supplier", "until": until}, **HX)
    assert "waiting for supplier" in client.get(reverse("exceptions:detail", args=[case.pk])).content.decode()
    client.post(reverse("exceptions:resume", args=[case.pk]), {"v": 2}, **HX)

    assert Case.objects.get().status == "OPEN"


def test_a_refused_note_keeps_its_text(client, amira, open_case):
    case = open_case()

    response = client.post(reverse("exceptions:note", args=[case.pk]), {"text": " "}, **HX)

    assert response.status_code == 422
    assert "Write between" in response.content.decode()


def test_a_download_holds_the_list_and_no_formula(client, amira, open_case):
    open_case("p1", summary="=1+1", title="@SUM(A1)")
    open_case("p2", reason=FLAT.code)

    response = client.get(reverse("exceptions:export") + "?queue=orders")

    text = b"".join(response.streaming_content).decode("utf-8-sig")
    lines = text.splitlines()
    assert len(lines) == 2
    assert "'=1+1" in lines[1]
    assert "'@SUM(A1)" in lines[1]
    assert ",412.0000," in lines[1]


def test_reasons_are_listed_with_what_is_open(client, amira, open_case):
    open_case("p1")

    html = client.get(reverse("exceptions:reasons")).content.decode()

    assert "Probe is too warm" in html
    assert f"?reason={PROBE.code}" in html


def test_home_panels_show_overdue_and_own_cases(client, amira, open_case):
    late = open_case(started_at=timezone.now() - timedelta(hours=3))
    cases.claim(late.pk, actor=actors.person(amira))

    for name in ("exceptions:overdue_panel", "exceptions:mine_panel"):
        assert reverse("exceptions:detail", args=[late.pk]) in client.get(reverse(name)).content.decode()


def test_nobody_looks_without_signing_in(client):
    response = client.get(reverse("exceptions:queue"))

    assert response.status_code == 302
    assert "login" in response["Location"]


def test_text_of_a_case_is_only_ever_text(client, amira, open_case):
    open_case("p1", title="<script>alert(1)</script>", summary="<b>x</b>")

    html = page(client)

    assert "<script>alert(1)" not in html
    assert "&lt;b&gt;x" in html


def test_the_books_of_exceptions_are_proven(amira, open_case):
    from core import audit

    case, other = open_case(), open_case()
    cases.wait(case.pk, on="customer", actor=actors.person(amira))
    cases.waive(other.pk, reason="Fine as it is", actor=actors.person(amira))

    assert {f.invariant.name: f.broken for f in audit.audit("exceptions.") if f.broken} == {}
    assert len(list(audit.audit("exceptions."))) == 14
    TRUE_OF.clear()


def test_metrics_count_cases(open_case):
    from core import metrics

    open_case(started_at=timezone.now() - timedelta(hours=3))
    figures = {
        name: list(figure.read()) for name, figure in metrics._figures.items() if name.startswith("backroom_case")
    }
    assert figures["backroom_cases_open"] == [({"queue": "orders"}, 1.0)]
    assert figures["backroom_cases_overdue"] == [({}, 1.0)]
    assert figures["backroom_case_sweep_lag_seconds"][0][1] > 3600


def test_administrators_read_cases_and_revise_rules(admin_client, open_case):
    from exceptions.models import SlaPolicy

    case = open_case()
    rule = SlaPolicy.objects.create(code="all", name="All", acknowledge_minutes=5, resolve_minutes=60)
    assert admin_client.get(f"/admin/exceptions/case/{case.pk}/change/").status_code == 200
    assert admin_client.get("/admin/exceptions/case/?q=pr-").status_code == 200
    form = {"name": "All", "position": 100, "reason": "", "queue": "", "site": "", "minimum_severity": 0}
    form |= {"acknowledge_minutes": 5, "resolve_minutes": 90, "warn_minutes": 60, "business_time": "on"}

    response = admin_client.post(f"/admin/exceptions/slapolicy/{rule.pk}/change/", form)

    assert response.status_code == 302
    assert list(SlaPolicy.objects.order_by("pk").values_list("version", "current", "resolve_minutes")) == [
        (1, False, 60),
        (2, True, 90),
    ]


def test_pages_take_a_fixed_number_of_queries(client, amira, open_case, query_count):
    one = open_case("p1")

    with query_count("exceptions-queue", lambda: client.get("/exceptions/")):
        for n in range(2, 8):
            open_case(f"p{n}")
    query_count("exceptions-filtered", lambda: client.get("/exceptions/?status=OPEN"))
    query_count("exceptions-new", lambda: client.get("/exceptions/new?since=0"))
    query_count("exceptions-reasons", lambda: client.get("/exceptions/reasons/"))
    with query_count("exceptions-detail", lambda: client.get(f"/exceptions/{one.pk}")):
        for n in range(3):
            cases.note(one.pk, text=f"Note {n}", actor=actors.person(amira))
