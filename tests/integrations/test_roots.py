"""A feed that is down and what it oversold: one root by itself, and fixing it clears them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event
from core.subjects import Subject
from exceptions import origins, reasons, wakes
from exceptions.models import Case
from exceptions.services import cases, roots
from inventory.models import Publication
from inventory.services import publishing
from orders.models import Order, OrderLine
from tests.factories.inventory import ItemFactory
from tests.factories.orders import ChannelFactory

pytestmark = pytest.mark.django_db
OVERSOLD = 300


@pytest.fixture
def feed():
    """The web shop's feed, silent for half an hour about an article it still offers 40 of."""
    item = ItemFactory(sku="COAT")
    feed = publishing.open_feed("webshop", "Web shop")
    since = timezone.now() - timedelta(minutes=30)
    Publication.objects.update_or_create(
        feed=feed,
        item=item,
        defaults={"dirty_since": since, "level": {"": 40}, "acknowledged_at": since},
    )
    return feed


@pytest.fixture
def oversold(feed):
    channel, item = ChannelFactory(code="webshop"), ItemFactory(sku="JACKET")

    def make(count: int) -> list[Order]:
        orders = Order.objects.bulk_create(
            Order(
                number=f"W-{n}", channel=channel, channel_ref=str(n), placed_at=timezone.now(), currency="GBP",
                total=Decimal(30), source_version=1, buyer_email=f"b{n}@example.com",
            )
            for n in range(count)
        )  # fmt: skip
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order, ref="1", position=1, item=item, sku="JACKET", ordered=2, open=2, source_quantity=2,
                unit_price=Decimal(15),
            )
            for order in orders
        )  # fmt: skip
        return orders

    return make


def symptoms() -> list[Case]:
    return list(Case.objects.filter(reason="orders.unallocated").order_by("pk"))


def repair() -> None:
    Publication.objects.update(dirty_since=None)


def test_a_feed_outage_and_its_three_hundred_oversells_are_one_root_and_fixing_it_clears_them(oversold):
    said = [cases.Said(Subject("order", str(order.pk), order.number)) for order in oversold(OVERSOLD)]

    cases.open_many("orders.unallocated", said, actor=SYSTEM)
    cases.open_standing({"inventory.channel_behind"})
    root = Case.objects.get(reason="inventory.channel_behind")
    assert roots.adopt_all() == OVERSOLD
    assert roots.adopt(root.pk) == 0

    assert {case.parent_id for case in symptoms()} == {root.pk}
    assert {(case.units, case.value, case.currency) for case in symptoms()} == {(2, Decimal(30), "GBP")}
    assert root.units == 40

    OrderLine.objects.update(open=0, allocated=2)
    repair()
    cases.recheck(Subject("channel_feed", root.subject_uid))
    roots.settle_all()

    assert not Case.objects.still_open().exists()
    assert {case.outcome_note for case in symptoms()} == {f"{root.number} cleared itself."}
    told = Event.objects.filter(type="case.cleared", data__by__kind="case", data__by__uid=str(root.pk))
    assert told.count() == OVERSOLD


def test_what_comes_while_the_feed_is_down_stands_under_it_at_once_and_what_is_still_true_stays(feed, oversold):
    cases.open_standing({"inventory.channel_behind"})
    feed_down = Case.objects.get()
    first, second = oversold(2)
    said = [cases.Said(Subject("order", str(order.pk), order.number)) for order in (first, second)]
    cases.open_many("orders.unallocated", said, actor=SYSTEM)

    assert {case.parent_id for case in symptoms()} == {feed_down.pk}
    OrderLine.objects.filter(order=first).update(open=0, allocated=2)
    repair()
    cases.recheck(Subject("channel_feed", str(feed.pk)))

    assert [(case.is_open, case.parent_id) for case in symptoms()] == [(False, feed_down.pk), (True, None)]


def test_a_root_of_roots_takes_over_their_symptoms_and_leaves_what_was_taken_off(oversold):
    oversold(4)
    cases.open_standing({"orders.unallocated"})
    cases.open_standing({"inventory.channel_behind"})
    roots.adopt_all()
    behind, apart = Case.objects.get(reason="inventory.channel_behind"), symptoms()[0]
    cases.unlink(apart.pk, actor=SYSTEM)
    origins.register("inventory.channel_behind", "tests.outage", lambda uid: "outage")
    outage = reasons.Reason("tests.outage", "Outage", "integration", "connection")
    reasons.register(outage)
    try:
        top = cases.open_(outage.code, Subject("connection", "outage"), actor=SYSTEM)
        assert roots.adopt(top) == 4
    finally:
        origins.forget_root(outage.code)
        reasons._reasons.pop(outage.code)

    behind.refresh_from_db()
    assert {behind.parent_id, *(case.parent_id for case in symptoms()[1:])} == {top}
    assert symptoms()[0].parent_id is None
    assert roots.adopt(behind.pk) == 0


def test_every_origin_names_reasons_that_exist_and_finds_nothing_for_what_is_gone():
    known = {reason.code for reason in reasons.every()}

    assert {code for each in origins._origins for code in (each.symptom, each.root)} <= known
    for each in origins._origins:
        assert each.find("999999999") in {None, "999999999"}, each


def test_every_kind_a_case_may_be_about_has_facts_worth_waiting_for():
    for kind in ("order", "fulfilment", "stock", "transfer", "connection", "message", "posting"):
        assert len(wakes.offered(kind)) > 1, kind
