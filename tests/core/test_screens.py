"""Pages and fragments, keyset pages, marks and formats: what every screen stands on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.http import HttpResponse
from django.test import RequestFactory

from core import barcodes, formats, htmx, jinja, screens
from core.errors import Refusal
from core.models import Site, User
from core.views import errors

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 20, 14, 36, tzinfo=UTC)
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def ask():
    return RequestFactory()


@pytest.fixture
def sana(db):
    return User.objects.create_user("sana@harrow.example", "correct horse battery", name="Sana Qureshi")


# --- formats


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal(18420), "GBP", "£18,420.00"),
        (Decimal("-5.005"), "EUR", "−€5.01"),
        (Decimal("1200.4"), "JPY", "¥1,200"),
        (Decimal("1.2345"), "KWD", "KWD\N{NO-BREAK SPACE}1.235"),
        (0, "CHF", "CHF\N{NO-BREAK SPACE}0.00"),
        (None, "GBP", ""),
        (Decimal("7.5"), "", "7.50"),
    ],
)
def test_money_has_its_currencys_decimals_and_grouping(amount, currency, words):
    assert formats.money(amount, currency) == words


@pytest.mark.parametrize(
    ("seconds", "short", "long"),
    [
        (12, "12 s", "12 seconds"),
        (60, "1 m", "1 minute"),
        (3900, "1 h 05 m", "1 hour 5 minutes"),
        (47 * 3600, "47 h 00 m", "47 hours 0 minutes"),
        (50 * 3600, "2 d 2 h", "2 days 2 hours"),
    ],
)
def test_spans_are_short_for_eyes_and_long_for_ears(seconds, short, long):
    assert formats.duration(seconds) == short
    assert formats.spoken(seconds) == long


def test_moments_name_their_zone_and_day():
    summer = datetime(2026, 7, 1, 11, 0, tzinfo=UTC)

    assert formats.when(NOW, LONDON, NOW) == "Today 14:36 GMT"
    assert formats.when(NOW - timedelta(days=1), LONDON, NOW) == "Yesterday 14:36 GMT"
    assert formats.when(summer, LONDON, NOW) == "Wed 1 Jul 12:00 BST"
    assert formats.when(summer - timedelta(days=365), LONDON, NOW) == "Tue 1 Jul 2025 12:00 BST"
    assert formats.moment(summer, ZoneInfo("Asia/Dubai")) == "1 Jul 2026, 15:00:00 UTC+04"


def test_the_rest_reads_like_people_say_it():
    assert formats.plural(1, "row") == "1 row"
    assert formats.plural(1204, "query", "queries") == "1,204 queries"
    assert formats.number(-3) == "−3"
    assert formats.number(None) == ""
    assert formats.ago(NOW - timedelta(minutes=12), NOW) == "12 m ago"
    assert formats.ago(NOW + timedelta(hours=3), NOW) == "in 3 h 00 m"
    assert formats.ago(NOW, NOW) == "just now"
    assert [formats.size(n) for n in (812, 14_200, 3_100_000)] == ["812 B", "14.2 KB", "3.1 MB"]


# --- marks


@pytest.mark.parametrize(
    ("minutes", "state", "words"), [(-72, "overdue", "over"), (24, "soon", "left"), (204, "ok", "left")]
)
def test_a_clock_follows_from_its_time(minutes, state, words):
    due = datetime.now(UTC) + timedelta(minutes=minutes)

    drawn = str(jinja.sla(due))

    assert f'data-state="{state}"' in drawn
    assert words in drawn
    assert ("triangle-alert" in drawn) == (state == "overdue")


def test_a_clock_without_a_time_a_paused_and_a_met_one():
    assert "No clock" in jinja.sla(None)
    assert "2 h 05 m left" in jinja.sla(None, state="paused", left=timedelta(minutes=125))
    assert "Met, 36 m early" in jinja.sla(None, state="met", words="Met, 36 m early")


def test_marks_escape_what_they_are_given():
    nasty = '"><script>'

    for drawn in (
        jinja.badge(nasty),
        jinja.avatar(nasty),
        jinja.sla(None, state="met", words=nasty),
        jinja.icon(nasty),
    ):
        assert "<script>" not in drawn


def test_links_to_subjects_and_the_way_back_never_leave_this_host():
    assert jinja.path_of("https://evil.example/a?b=1") == "/a?b=1"
    assert jinja.path_of("//evil.example/a") == "/a"
    assert jinja.path_of("/\\evil.example") == "/evil.example"
    assert str(jinja.subject_link("unknown", "7", "<b>")) == "&lt;b&gt;"


def test_an_address_changes_one_parameter_and_forgets_the_page(ask):
    request = ask.get("/orders/?status=open&status=held&after=abc")

    assert jinja.query(request, status=["held"]) == "/orders/?status=held"
    assert jinja.query(request, status=None) == "/orders/"
    assert jinja.query(request, after="x") == "/orders/?status=open&status=held&after=x"


@pytest.mark.parametrize("text", ["A", "SO-88402-1", "1234", "12345", "5012345678900", "AB12", "x1234567890y"])
def test_bars_read_back_as_their_text(text):
    values = barcodes.values(text)
    body, check = values[:-1], values[-1]
    digits, read = body[0] == barcodes.START_C, ""
    for value in body[1:]:
        if value == barcodes.TO_C and not digits:
            digits = True
        elif value == barcodes.TO_B and digits:
            digits = False
        else:
            read += f"{value:02}" if digits else chr(value + 32)

    assert read == text
    assert check == (body[0] + sum(i * v for i, v in enumerate(body))) % 103


def test_bars_refuse_what_they_cant_say():
    for text in ("", "café", "a\n"):
        with pytest.raises(ValueError, match="ASCII"):
            barcodes.values(text)


# --- page or fragment


@pytest.mark.parametrize(
    ("headers", "partial"),
    [
        ({}, False),
        (PART, True),
        ({"HX-Request": "true", "HX-Request-Type": "full"}, False),
        ({**PART, "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_partial_request_gets_a_fragment(ask, headers, partial):
    assert htmx.partial(ask.get("/", headers=headers)) is partial


def test_an_answer_for_htmx_is_never_cached(client, sana):
    client.force_login(sana)

    page, part = client.get("/search?q=zz"), client.get("/search?q=zz", headers=PART)

    assert b"<html" in page.content
    assert b"<html" not in part.content
    for response in (page, part):
        assert response["Cache-Control"] == "no-store"
        assert "HX-Request-Type" in response["Vary"]


def test_an_ended_session_is_told_to_htmx_and_to_people(client, db):
    page = client.get("/me")
    part = client.get("/me", headers={**PART, "HX-Current-URL": "https://testserver/exceptions/?q=1"})

    assert page.status_code == 302
    assert part.status_code == 401
    assert part["HX-Redirect"] == "/accounts/login/?next=%2Fexceptions%2F%3Fq%3D1"


def test_every_page_has_the_strict_policy(client, db):
    response = client.get("/accounts/login/")

    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert b"<style" not in response.content
    assert b" style=" not in response.content


# --- keyset pages


@pytest.fixture
def sites(db):
    return Site.objects.bulk_create(Site(code=f"S{n:03}", name="same" if n % 3 else "other") for n in range(25))


@pytest.mark.parametrize("order", [("code",), ("-code",), ("name", "-id"), ("-name", "code")])
def test_walking_forward_and_back_meets_every_row_once(ask, sites, order):
    rows, wanted, seen = Site.objects.all(), [s.pk for s in Site.objects.order_by(*order)], []

    page = htmx.keyset_page(rows, ask.get("/"), order, size=10)
    firsts = [page.first]
    while True:
        seen += [s.pk for s in page.rows]
        if not page.next:
            break
        page = htmx.keyset_page(rows, ask.get("/", {"after": page.next}), order, size=10)
        firsts.append(page.first)
    back = [s.pk for s in page.rows]
    while page.previous:
        page = htmx.keyset_page(rows, ask.get("/", {"before": page.previous}), order, size=10)
        back = [s.pk for s in page.rows] + back

    assert seen == wanted
    assert firsts == [1, 11, 21]
    assert back == wanted
    assert page.first == 1


def test_a_page_of_values_takes_one_query(ask, sites, django_assert_num_queries):
    with django_assert_num_queries(1):
        page = htmx.keyset_page(Site.objects.values("id", "code"), ask.get("/"), ("code", "id"), size=5)

    assert [r["code"] for r in page.rows] == ["S000", "S001", "S002", "S003", "S004"]
    assert page.last == 5


@pytest.mark.parametrize(
    "cursor", ["x", "!!!!", "W10", "WzAsMV0", "bnVsbA", "eyJhIjoxfQ", "A" * 2000, "WzAsICJhXHUwMDAwIl0", "[0", "\x00"]
)
def test_a_broken_cursor_is_refused(ask, db, cursor):
    with pytest.raises(Refusal) as caught:
        htmx.keyset_page(Site.objects.all(), ask.get("/", {"after": cursor}), ("name", "id"))

    assert caught.value.status == 400


def test_a_count_stops_at_its_cap(sites):
    assert str(htmx.capped_count(Site.objects.all())) == "25"
    assert str(htmx.capped_count(Site.objects.all(), cap=11)) == "10+"


# --- refusals and errors


def test_a_refusal_is_words_for_people_and_a_banner_for_htmx(ask):
    refusal = Refusal("claimed", "Amira claimed this.")

    page = htmx.refuse(_with_user(ask.get("/x")), refusal)
    banner = htmx.refuse(_with_user(ask.post("/x", headers=PART)), refusal)

    assert page.status_code == banner.status_code == 409
    assert b"<html" in page.content
    assert b"<html" not in banner.content
    assert b"Amira claimed this." in banner.content


@pytest.mark.parametrize(
    ("view", "status"), [(errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404)]
)
def test_error_pages_ask_the_database_nothing(ask, view, status):
    response = view(ask.get("/x"))

    assert response.status_code == status
    assert b"Backroom" in response.content


def test_the_page_for_a_crash_stands_on_nothing(ask):
    assert errors.failed(ask.get("/x")).status_code == 500
    assert b"out of date" in errors.csrf(ask.get("/x"), "reason").content


def _with_user(request):
    request.user = AnonymousUser()
    return request


# --- what apps register


@pytest.fixture
def registry(monkeypatch):
    for name in ("_nav", "_panels", "_search"):
        monkeypatch.setattr(screens, name, [])
    monkeypatch.setattr(screens, "_counters", {})


def test_the_navigation_shows_what_a_role_may_see(registry, ask, sana):
    screens.register_nav("Work", "Everyone", "inbox", "core:preferences")
    screens.register_nav("Work", "Admins", "inbox", "core:home", "core.delete_site")
    screens.register_nav("Run", "Nowhere", "inbox", "no:such")
    request = ask.get("/me")
    request.user = sana

    nav = screens.Shell(request).nav

    assert [(section, [(e.label, e.current) for e in entries]) for section, entries in nav] == [
        ("Work", [("Everyone", True)])
    ]


def test_counts_are_remembered_between_pages_and_asked_for_by_the_poll(registry, client, sana):
    asked = []
    screens.register_nav(
        "Work",
        "Cases",
        "inbox",
        "core:preferences",
        count=lambda user: asked.append(user) or screens.Count(3, late=True),
    )
    client.force_login(sana)

    before = client.get("/me").content
    answer = client.get("/live/counts").json()
    after = client.get("/me").content

    assert b"data-late" not in before
    assert answer["counts"]["work-cases"] == {"value": 3, "late": True, "capped": False}
    assert b"data-late" in after
    assert len(asked) == 1


def test_a_stranger_gets_no_counts(client, db):
    assert client.get("/live/counts").status_code == 401
    assert client.get("/live").status_code == 204


def test_an_exact_reference_opens_at_once(registry, client, sana):
    def find(user, text, limit):
        yield screens.Found("Near", "/near", exact=False)
        yield screens.Found("Order SO-1", "/orders/SO-1", exact=text == "SO-1")
        yield screens.Found("Order SO-1 again", "/orders/SO-1", exact=False)

    screens.register_search("orders", find)
    client.force_login(sana)

    assert client.get("/search?q=SO-1&go=1")["Location"] == "/orders/SO-1"
    assert client.get("/search?q=SO&go=1").status_code == 200
    assert [f.title for f in screens.search(sana, "SO-1")] == ["Order SO-1", "Near"]
    assert screens.search(sana, " \0 ") == []


def test_panels_need_their_permission(registry, sana):
    screens.register_panel("a", "Mine", "core:preferences", order=2)
    screens.register_panel("b", "First", "core:home", order=1)
    screens.register_panel("c", "Not mine", "core:home", "core.delete_site")

    assert [p.title for p, _ in screens.panels_for(sana)] == ["First", "Mine"]


# --- what people set


def test_preferences_are_checked(client, sana):
    client.force_login(sana)

    refused = client.post("/me", {"theme": "pink", "time_zone": "Mars/Olympus"})
    accepted = client.post("/me", {"theme": "dark", "density": "touch", "time_zone": "Europe/London", "keys": "1"})

    sana.refresh_from_db()
    assert refused.status_code == 422
    assert accepted.status_code == 303
    assert sana.preferences == {"theme": "dark", "density": "touch", "time_zone": "Europe/London", "keys": "on"}
    assert b'data-theme="dark"' in client.get("/me").content


def test_a_person_narrows_to_a_site_of_theirs_only(client, sana):
    leeds, york = Site.objects.create(code="LDS", name="Leeds"), Site.objects.create(code="YRK", name="York")
    sana.sites.add(leeds)
    client.force_login(sana)

    assert b"York" not in client.get("/me/sites", headers=PART).content
    assert client.post("/me/site", {"site": york.code}).status_code == 404
    assert client.post("/me/site", {"site": leeds.code, "next": "//evil.example"})["Location"] == "/"

    sana.refresh_from_db()
    request = SimpleNamespace(user=User.objects.get(pk=sana.pk), path="/")
    assert screens.current_site(request) == leeds.pk
    sana.sites.set([york])
    assert screens.current_site(SimpleNamespace(user=User.objects.get(pk=sana.pk), path="/")) is None


def test_times_are_the_readers(client, sana):
    sana.preferences = {"time_zone": "Asia/Tokyo"}
    sana.save()
    client.force_login(sana)

    assert b'data-tz="Asia/Tokyo"' in client.get("/me").content
    client.logout()
    assert b"Asia/Tokyo" not in client.get("/accounts/login/").content


def test_the_home_page_takes_a_fixed_number_of_queries(query_count, client, sana):
    client.force_login(sana)

    with query_count("home", lambda: client.get("/")):
        sana.groups.add(*[Group.objects.create(name=f"g{n}") for n in range(5)])
        Site.objects.bulk_create(Site(code=f"Q{n}", name="x") for n in range(20))


def test_a_toast_rides_on_the_fragment(client, sana, ask):
    client.force_login(sana)

    response = client.post("/me", {"theme": "light"}, headers=PART)

    assert response.status_code == 204
    assert response["HX-Redirect"] == "/me"
    assert b"Preferences saved" in client.get("/me").content
    assert b"Preferences saved" not in client.get("/me").content


def test_a_redirect_suits_who_asks(ask):
    assert htmx.redirect(ask.get("/"), "/x").status_code == 303
    assert htmx.redirect(ask.get("/", headers=PART), "/x")["HX-Redirect"] == "/x"
    assert isinstance(htmx.finish(HttpResponse()), HttpResponse)
