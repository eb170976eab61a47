"""A delivery that ran out of attempts is a case; replaying it ends the case."""

from __future__ import annotations

import pytest
from django.db import transaction

from core import actors, events, outbox
from core.errors import Permanent
from core.models import Delivery
from core.subjects import Subject
from exceptions.models import ActionRun, Case
from exceptions.services import cases, undoing

pytestmark = pytest.mark.django_db
WORKS: list[bool] = []


def _handler(fact: events.Fact) -> None:
    if not WORKS:
        raise Permanent("Nobody lives at this address.")


@pytest.fixture(autouse=True)
def _wired():
    WORKS.clear()
    events.subscribe("tests.rang", "tests.answer", _handler)
    yield
    events._by_type.pop("tests.rang", None)
    events._by_name.pop("tests.answer", None)


def ring() -> None:
    with transaction.atomic():
        events.record("tests.rang", Subject("probe", "p1", "PR-1"), actor=actors.SYSTEM)
    outbox.drain()


def test_a_dead_delivery_opens_a_case_that_says_why():
    ring()

    case = Case.objects.get()
    assert case.reason == "core.delivery_dead"
    assert "Nobody lives at this address" in case.summary
    assert case.queue_id == "integration"


def test_replaying_it_clears_the_case(person):
    ring()
    WORKS.append(True)

    cases.act(Case.objects.get().pk, "replay", actor=actors.person(person()))
    outbox.drain()

    case = Case.objects.get()
    assert case.outcome == "cleared"
    assert Delivery.objects.get(handler="tests.answer").status == "DELIVERED"


def test_dying_again_opens_a_new_case(person):
    ring()
    first = Case.objects.get()

    cases.act(first.pk, "replay", actor=actors.person(person()))
    outbox.drain()

    second = Case.objects.still_open().get()
    assert second.previous_id == first.pk


def test_giving_it_up_clears_the_case_and_lets_the_lane_go_on(person):
    ring()
    WORKS.append(True)
    ring()  # waits behind the dead one
    assert Delivery.objects.filter(handler="tests.answer", status="PENDING").count() == 1

    cases.act(Case.objects.get().pk, "discard", actor=actors.person(person()))
    outbox.drain()

    assert Case.objects.get().outcome == "cleared"
    assert sorted(Delivery.objects.filter(handler="tests.answer").values_list("status", flat=True)) == [
        "DELIVERED",
        "DISCARDED",
    ]


def test_one_that_was_given_up_is_tried_after_all(person):
    ring()
    who = actors.person(person())
    cases.act(Case.objects.get().pk, "discard", actor=who)
    WORKS.append(True)

    undoing.undo(ActionRun.objects.get().pk, actor=who)
    outbox.drain()

    assert Delivery.objects.get(handler="tests.answer").status == "DELIVERED"


def test_the_sweep_finds_dead_deliveries_nobody_told_of():
    ring()
    Case.objects.all().delete()

    assert cases.open_standing(["core.delivery_dead"]) == 1
    assert "Nobody lives" in Case.objects.get().summary


def test_its_page_shows_what_waits_behind_it(client, person):
    from django.urls import reverse

    ring()
    ring()
    client.force_login(person())

    html = client.get(reverse("exceptions:detail", args=[Case.objects.get().pk])).content.decode()

    assert "Waits behind it" in html
    assert "Replay the delivery" in html
