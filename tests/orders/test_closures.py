"""A site that closes for the day gives its work away where it can, and says so where it can't."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Invalid
from core.models import Event
from inventory.models import Location
from orders.models import FulfilmentLine, FulfilmentOrder, NodeExclusion
from orders.services import closures, fulfilment
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


def after_all_is_due():
    """Longer than a weekend with a holiday on either side, so that whatever the day, the work is due before."""
    return timezone.now() + timedelta(days=6)


@pytest.fixture
def shop():
    """A shop nearby that has two articles, one of which a warehouse has, too; and three orders it works on."""
    shop = LocationFactory(priority=1, pickup=True)
    both, only = ItemFactory(sku="SKU-1"), ItemFactory(sku="SKU-2")
    StockFactory(item=both, location=shop)
    StockFactory(item=only, location=shop)
    StockFactory(item=both, location=LocationFactory(code="depot"))
    for n, fields in enumerate(
        ({}, {"sku": "SKU-2"}, {"method": "PICKUP", "pickup_location_code": shop.code, "ship_to": None})
    ):
        line = incoming_line(fields.pop("sku", "SKU-1"))
        order = place(line, channel_ref=str(n), **fields)
        fulfilment.create(order.pk)
    return shop


def test_a_preview_says_what_becomes_of_each_and_changes_nothing(shop):
    before = Event.objects.count()

    seen = closures.preview(shop.pk, until=after_all_is_due(), actor=SYSTEM)

    assert [(fate.outcome, fate.to) for fate in seen.fates if fate.outcome != "collected"] == [
        ("moves", (("depot", 1),)), ("stays", ())
    ]  # fmt: skip
    assert seen.count("collected") == 1
    assert Event.objects.count() == before
    assert set(FulfilmentOrder.objects.values_list("status", flat=True)) == {"OPEN"}


def test_what_can_move_moves_and_what_stays_is_promised_later(shop):
    until = after_all_is_due()

    done = closures.close_for_day(shop.pk, until, "Burst pipe", SYSTEM)
    again = closures.clear(shop.pk)

    assert (done.moved, done.stayed) == (1, 2)
    assert (again.moved, again.stayed) == (0, 0)
    works = {work.order.channel_ref: work for work in FulfilmentOrder.objects.select_related("order").order_by("pk")}
    assert works["0"].status == "CANCELLED"
    assert FulfilmentLine.objects.get(fulfilment=None).location.code == "depot"
    assert works["1"].due_at > until
    assert works["1"].order.promise_by > works["1"].due_at
    assert works["2"].order.promise_by == works["2"].due_at > until
    told = Event.objects.filter(type="order.promise_changed").values_list("data__why", flat=True)
    assert set(told) == {closures.WHY}
    assert len(told) == 2
    assert not NodeExclusion.objects.exists()


def test_a_closed_site_gets_nothing_new_until_it_opens_again(shop):
    closures.close_for_day(shop.pk, after_all_is_due(), "Burst pipe", SYSTEM)

    away = place(incoming_line("SKU-1"), channel_ref="new")
    closures.reopen(shop.pk, actor=SYSTEM)
    back = place(incoming_line("SKU-2"), channel_ref="newer")

    assert FulfilmentLine.objects.get(order_line__order=away).location.code == "depot"
    assert FulfilmentLine.objects.get(order_line__order=back).location == shop
    assert Location.objects.get(pk=shop.pk).closed_until is None


def test_work_somebody_began_stays(shop):
    work = FulfilmentOrder.objects.get(order__channel_ref="0")
    fulfilment.start_pick(work.pk, actor=SYSTEM)

    closures.close_for_day(shop.pk, after_all_is_due(), "Burst pipe", SYSTEM)

    work.refresh_from_db()
    assert work.status == "PICKING"


@pytest.mark.parametrize("until, reason", [(timedelta(hours=-1), "x"), (timedelta(days=40), "x"), (timedelta(1), " ")])
def test_a_closure_needs_a_moment_ahead_and_a_reason(until, reason, shop):
    with pytest.raises(Invalid):
        closures.close_for_day(shop.pk, timezone.now() + until, reason, SYSTEM)

    assert Location.objects.get(pk=shop.pk).closed_until is None
