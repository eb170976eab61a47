"""One slow or dead vendor keeps no more than its share: slots, stepping aside, and the way back."""

from __future__ import annotations

from contextvars import copy_context
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core import actors, events, in_hand, outbox, wake
from core.models import Delivery
from core.subjects import Subject
from integrations import bulkhead, http
from integrations.channels import polling
from integrations.models import CallSlot, Connection, FeedState, Pace
from tests.integrations.receiver import Receiver

pytestmark = pytest.mark.django_db
FACT = "6f1c8f9e-0000-4000-8000-000000000001"


@pytest.fixture
def other(shop: Connection) -> Connection:
    return Connection.objects.create(code="quick", name="Quick", kind="CARRIER", vendor="ups", calls_at_once=2)


def begin(connection: Connection) -> None:
    """As another worker, where nothing is kept."""
    bulkhead._kept.set({})
    with bulkhead.kept(connection):
        pass


def slow(connection: Connection) -> None:
    now = timezone.now()
    Pace.objects.update_or_create(
        connection=connection, defaults={"spent_until": now, "slow_until": now + timedelta(seconds=60)}
    )


def test_a_connection_has_no_more_calls_under_way_than_it_may(shop: Connection, other: Connection):
    with bulkhead.slot(other, seconds=10), bulkhead.slot(other, seconds=10):
        assert bulkhead.used(other) == (2, False)
        with pytest.raises(bulkhead.Busy) as busy, bulkhead.slot(other, seconds=10):
            pass
        assert (busy.value.spends_attempt, busy.value.queue) == (False, "")
        with bulkhead.slot(shop, seconds=10):
            pass

    assert bulkhead.used(other) == (0, False)
    with bulkhead.slot(other, seconds=10):
        CallSlot.objects.filter(connection=other).update(until=timezone.now())  # its process died
        with bulkhead.slot(other, seconds=10), bulkhead.slot(other, seconds=10):
            pass


def test_work_of_many_calls_keeps_its_slot_and_those_without_one_stand_in_line(shop: Connection, other: Connection):
    Pace.objects.create(connection=other, spent_until=timezone.now())
    with bulkhead.slot(other, seconds=10), bulkhead.kept(other):
        for _ in range(2):
            with bulkhead.slot(other, seconds=10), bulkhead.slot(shop, seconds=10), bulkhead.kept(other):
                assert bulkhead.used(other) == (2, False)
        waits = []
        for _ in range(20):
            with pytest.raises(bulkhead.Busy) as busy:
                copy_context().run(begin, other)
            waits.append(busy.value.seconds)
        assert waits[0] <= 1
        assert waits[-1] > 2

        CallSlot.objects.filter(connection=other).update(until=timezone.now())  # it took too long between two calls
        with bulkhead.slot(other, seconds=10):
            assert bulkhead.used(other) == (1, False)

    assert bulkhead.used(other) == (0, False)


def test_begun_work_for_one_that_turns_slow_goes_on_and_what_comes_after_steps_aside(other: Connection):
    with in_hand.holding(FACT, "outside"):
        with bulkhead.kept(other):
            slow(other)
            with bulkhead.slot(other, seconds=10) as call:
                call.started -= bulkhead.SLOW_SECONDS

        with pytest.raises(bulkhead.Busy) as aside, bulkhead.kept(other):
            pass

    assert aside.value.queue == "slow"
    assert not CallSlot.objects.filter(connection=other, until__gt=timezone.now()).exists()


def test_work_for_a_slow_connection_steps_aside_until_a_quick_answer(other: Connection):
    slow(other)

    with in_hand.holding(FACT, "outside"), pytest.raises(bulkhead.Busy) as aside, bulkhead.slot(other, seconds=10):
        pass
    assert (aside.value.queue, aside.value.seconds, aside.value.spends_attempt) == ("slow", 0.0, False)
    with in_hand.holding(FACT, "slow"), bulkhead.slot(other, seconds=10):
        with pytest.raises(bulkhead.Busy) as full, bulkhead.slot(other, seconds=10):
            pass
        assert full.value.queue == ""

    assert bulkhead.slow_ones() == set()
    with in_hand.holding(FACT, "outside"), bulkhead.slot(other, seconds=10):
        pass


def test_a_long_call_makes_it_slow_while_it_lasts_and_after(other: Connection):
    Pace.objects.create(connection=other, spent_until=timezone.now())
    with bulkhead.slot(other, seconds=10) as slot:
        CallSlot.objects.update(taken_at=timezone.now() - timedelta(seconds=5))
        assert bulkhead.slow_ones() == {other.pk}
        slot.started -= bulkhead.SLOW_SECONDS

    assert bulkhead.used(other) == (0, True)


def test_a_delivery_goes_on_in_the_slow_queue_and_others_go_first(other: Connection):
    slow(other)
    other.settings = {"private_address_allowed": True}
    with Receiver() as receiver, events.only():

        def call(fact: events.Fact) -> None:
            http.request(other, "POST", receiver.url, json={"n": fact.subject.uid})

        events.subscribe("test.told", "test.call", call, queue="outside")
        for n in range(3):
            with transaction.atomic():
                events.record("test.told", Subject("order", str(n), ""), actor=actors.SYSTEM)

        outbox.dispatch("outside")
        rows = Delivery.objects.filter(handler="test.call")
        assert set(rows.values_list("queue", "status", "attempts")) == {("slow", "PENDING", 0)}
        assert receiver.got == []

        assert outbox.dispatch("slow").taken == 1  # one at a time
        outbox.drain("slow")
        assert len(receiver.got) == 3
    assert bulkhead.slow_ones() == set()


def test_only_so_many_workers_go_to_the_slow_ones():
    with wake.turn("slow", 2) as one, wake.turn("slow", 2) as two, wake.turn("slow", 2) as three:
        assert (one, two, three) == (True, True, False)
    with wake.turn("slow", 1) as again:
        assert again


def test_feeds_of_one_connection_leave_workers_for_others(shop: Connection, other: Connection):
    for connection in (shop, other):
        for n in range(4):
            FeedState.objects.create(connection=connection, name=f"feed-{n}")

    def due() -> list[str]:
        return sorted(FeedState.objects.filter(pk__in=polling.due()).values_list("connection__code", flat=True))

    assert due() == ["quick", "quick", "shopify-web", "shopify-web"]
    slow(other)
    assert due() == ["quick", "shopify-web", "shopify-web"]
    taken = FeedState.objects.filter(connection=other).first()
    polling._claim(taken.pk, "6f1c8f9e-0000-4000-8000-000000000001")
    assert due() == ["shopify-web", "shopify-web"]
