"""Orders that wait, for stock or for somebody to know a SKU, go on by themselves."""

from __future__ import annotations

import pytest

from core.actors import SYSTEM
from core.errors import Refusal
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case
from inventory.models import Item, ItemAlias, Stock
from inventory.services import movements
from orders.models import Order, SourcingDecision
from orders.services import allocation, mapping
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place

pytestmark = pytest.mark.django_db


def receive(row: Stock, quantity: int) -> None:
    cause = Subject("stock", str(row.pk))
    movements.receive(row.item_id, row.location_id, quantity, key=f"r{quantity}", cause=cause, actor=SYSTEM)


def test_stock_that_arrives_goes_to_the_order_that_waits_and_clears_its_case():
    row = StockFactory(item=ItemFactory(sku="SKU-1"), sellable=1)
    order = place(incoming_line(quantity=3))
    receive(row, 5)

    found = allocation.allocate_waiting()

    row.refresh_from_db()
    assert found == 1
    assert row.reserved == 3
    assert Order.objects.get(pk=order.pk).status == "ACCEPTED"
    assert Case.objects.get().status == "RESOLVED"


def test_looking_again_in_vain_leaves_no_trace():
    first, second = ItemFactory(sku="SKU-1"), ItemFactory(sku="SKU-2")
    StockFactory(item=first, sellable=1)
    StockFactory(item=second, sellable=1)
    place(incoming_line("SKU-1", quantity=2), incoming_line("SKU-2", quantity=1))
    before = Event.objects.count(), SourcingDecision.objects.count()

    found = allocation.allocate_waiting()

    assert found == 0
    assert (Event.objects.count(), SourcingDecision.objects.count()) == before
    assert Case.objects.get().occurrences == 1


def test_a_sku_somebody_explains_maps_its_lines_and_sources_them():
    row = StockFactory(item=ItemFactory(sku="SKU-1"), sellable=9)
    order = place(incoming_line("THEIRS", quantity=2))

    mapped = mapping.teach("THEIRS", row.item_id, channel=order.channel, actor=SYSTEM)
    again = mapping.teach("THEIRS", row.item_id, channel=order.channel, actor=SYSTEM)

    row.refresh_from_db()
    assert (mapped, again) == (1, 0)
    assert row.reserved == 2
    assert Event.objects.filter(type="item.alias_added").count() == 1
    assert Case.objects.get().status == "RESOLVED"


def test_a_sku_that_means_something_else_already_is_not_taught_again():
    first, second = ItemFactory(sku="SKU-1"), ItemFactory(sku="SKU-2")
    channel = ChannelFactory()
    mapping.teach("THEIRS", first.pk, channel=channel, actor=SYSTEM)

    with pytest.raises(Refusal) as no:
        mapping.teach("THEIRS", second.pk, channel=channel, actor=SYSTEM)

    assert no.value.code == "alias_taken"
    assert ItemAlias.objects.get().item_id == first.pk


def test_an_article_made_later_by_whatever_hand_is_found_by_the_timer():
    order = place(incoming_line("LATER"))
    StockFactory(item=ItemFactory(sku="LATER"))

    mapped = mapping.retry_known(actor=SYSTEM)

    assert mapped == 1
    assert order.lines.get().item == Item.objects.get(sku="LATER")
    assert order.lines.get().allocated == 1


def test_a_line_without_a_sku_is_mapped_by_hand_and_stays_so():
    row = StockFactory(item=ItemFactory(sku="SKU-1"), sellable=9)
    order = place(incoming_line("", ref="7", title="Deleted article"), version=1)

    mapping.set_item(order.lines.get().pk, row.item_id, actor=SYSTEM)
    place(incoming_line("", ref="7", title="Deleted article", quantity=2), version=2)

    line = order.lines.get()
    assert (line.item_id, line.allocated) == (row.item_id, 2)
