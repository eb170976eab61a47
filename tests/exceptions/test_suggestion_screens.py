"""Suggestions over HTTP: the panel of a case, what people say of it, and the switches."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import Site
from exceptions.models import Autonomy, Case, Suggestion
from exceptions.services import history
from tests.exceptions.conftest import PROBE
from tests.exceptions.test_suggestions import orders_queue, past, ran  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db

HX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_REQUEST_TYPE": "partial"}


@pytest.fixture
def amira(client, person):
    user = person(may="view_case work_case assign_case waive_case switch_autonomy")
    client.force_login(user)
    return user


def panel_of(case: Case) -> str:
    return reverse("exceptions:suggestion", args=[case.pk])


def test_a_case_shows_what_worked_before_and_the_page_asks_for_it(client, amira, open_case, query_count):
    past(30)
    history.recount()
    case = open_case("p1")

    whole = client.get(reverse("exceptions:detail", args=[case.pk])).content.decode()
    client.get(panel_of(case), **HX)
    with query_count("exceptions suggestion panel", lambda: client.get(panel_of(case), **HX)):
        past(5, action="knock")
        history.recount()
    shown = client.get(panel_of(case), **HX).content.decode()

    assert f'hx-get="{panel_of(case)}"' in whole
    assert "Suggested: Cool it down" in shown
    assert "It ended 30 of 30 cases for good" in shown
    assert "The case in short" in shown


def test_without_a_history_nothing_is_suggested(client, amira, open_case):
    shown = client.get(panel_of(open_case("p1")), **HX).content.decode()

    assert "Suggested" not in shown
    assert not Suggestion.objects.exists()


def test_not_right_is_422_without_a_reason_and_learnt_with_one(client, amira, open_case):
    past(30)
    history.recount()
    case = open_case("p1")
    client.get(panel_of(case), **HX)
    address = reverse("exceptions:suggestion_not_right", args=[case.pk])

    empty = client.post(address, {"why": ""}, **HX)
    said = client.post(address, {"why": "The vent is broken"}, **HX)
    again = client.post(address, {"why": "The vent is broken"}, **HX)

    assert (empty.status_code, said.status_code, again.status_code) == (422, 200, 409)
    assert "It counts against this suggestion" in said.content.decode()
    assert Suggestion.objects.get().decided_by == amira


def test_a_case_of_another_site_has_no_suggestion_to_see(client, person, open_case):
    near, far = Site.objects.create(code="NEAR", name="Near"), Site.objects.create(code="FAR", name="Far")
    client.force_login(person("Bo", near))
    case = open_case("p1", site_id=far.pk)

    assert client.get(panel_of(case), **HX).status_code == 404
    assert (
        client.post(reverse("exceptions:suggestion_not_right", args=[case.pk]), {"why": "Not ours"}).status_code == 404
    )


def test_figures_lead_to_their_rows_and_only_those_of_ones_sites(client, person, open_case, query_count):
    near, far = Site.objects.create(code="NEAR", name="Near"), Site.objects.create(code="FAR", name="Far")
    past(6, site=near)
    past(4, site=far, action="knock")
    ran(Case.objects.filter(site=far), "cool")
    history.recount()
    client.force_login(person("Bo", near))
    address = reverse("exceptions:suggestion_runs", args=[PROBE.code])

    with query_count("exceptions suggestion runs", lambda: client.get(address + "?action=cool", **HX)):
        past(3, outcome="fixed", site=near)
    rows = client.get(address + "?action=cool", **HX).content.decode()
    elsewhere = client.get(address + f"?action=cool&context=site:{far.pk}", **HX).content.decode()

    assert rows.count('<tr id="run-') == 9
    assert "No rows" in elsewhere
    assert client.get(reverse("exceptions:suggestion_runs", args=["no.such"])).status_code == 404
    assert client.get(address + "?context=site:99999999999999999999").status_code == 200


def test_the_switch_is_for_those_who_may_and_names_what_is_out_of_range(client, amira, person, query_count):
    past(60)
    history.recount()
    address = reverse("exceptions:suggestion_switch", args=[PROBE.code, "cool"])
    figures = {"threshold": "90", "minimum": "40", "hourly": "5", "v": "1", "on": "1"}

    bad = client.post(address, figures | {"threshold": "20"}, **HX)
    words = client.post(address, figures | {"minimum": "many"}, **HX)
    on = client.post(address, figures, **HX)
    stale = client.post(address, figures | {"v": "7"}, **HX)
    shown = client.get(reverse("exceptions:suggestions_of", args=[PROBE.code])).content.decode()
    with query_count("exceptions suggestions", lambda: client.get(reverse("exceptions:suggestions"))):
        past(5, action="knock")
        history.recount()
    listed = client.get(reverse("exceptions:suggestions")).content.decode()
    stopped = client.post(reverse("exceptions:suggestions_stop"))
    client.force_login(person("Bo"))

    assert (bad.status_code, words.status_code, on.status_code, stale.status_code) == (422, 422, 200, 409)
    assert "must be between 0.5 and 1" in bad.content.decode()
    assert "On, not sure enough yet" in shown
    assert "Probe is too warm" in listed
    assert stopped.status_code == 303
    assert Autonomy.objects.get().state == "OFF"
    assert client.post(address, figures, **HX).status_code == 403
