"""Orders come in once, keep their figures, and take stock all or nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from core.actors import SYSTEM
from core.models import Event
from exceptions.models import Case
from inventory.models import Reservation
from orders import canonical
from orders.canonical import Address, IncomingPayment, IncomingRefund, RefundLine
from orders.models import FulfilmentLine, Hold, Order, OrderLine, Payment, SourcingDecision
from orders.services import intake
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import PLACED_AT, ChannelFactory, incoming, incoming_line, place

pytestmark = pytest.mark.django_db


def stock(sku="SKU-1", sellable=10, **location):
    from inventory.models import Item

    item = Item.objects.filter(sku=sku).first() or ItemFactory(sku=sku)
    return StockFactory(item=item, sellable=sellable, location=LocationFactory(**location))


def test_an_order_takes_stock_and_says_so():
    row = stock(sellable=5)

    placed = intake.place(incoming(incoming_line(quantity=2)), channel=ChannelFactory(), actor=SYSTEM)

    row.refresh_from_db()
    order = Order.objects.get(pk=placed.order_id)
    line = order.lines.get()
    assert placed.outcome == "created"
    assert order.number.startswith("SO-")
    assert row.reserved == 2
    assert (line.ordered, line.allocated, line.open) == (2, 2, 0)
    assert order.status == "ACCEPTED"
    assert FulfilmentLine.objects.get().reservation_id == Reservation.objects.get().pk
    assert SourcingDecision.objects.get().rule == "one_node"
    types = list(Event.objects.filter(subject_kind="order").order_by("id").values_list("type", flat=True))
    assert types == ["order.received", "order.allocated"]
    assert not Case.objects.exists()


def test_the_same_message_again_changes_nothing():
    row = stock()
    order = place()
    events = Event.objects.count()

    again = intake.place(incoming(), channel=ChannelFactory(), actor=SYSTEM)

    row.refresh_from_db()
    assert again.outcome == "unchanged"
    assert row.reserved == 1
    assert Event.objects.count() == events
    assert Order.objects.get().version == order.version


def test_an_older_version_is_dropped_and_counted():
    stock()
    order = place(incoming_line(quantity=3), version=5)

    stale = intake.place(incoming(incoming_line(quantity=1), version=4), channel=ChannelFactory(), actor=SYSTEM)

    order.refresh_from_db()
    assert stale.outcome == "stale"
    assert order.lines.get().ordered == 3
    assert order.stale_updates == 1
    assert Event.objects.filter(type="order.stale_update").count() == 1


def test_a_newer_version_changes_quantities_both_ways():
    row = stock()
    place(incoming_line(quantity=3), version=1)

    place(incoming_line(quantity=5), version=2)
    up = OrderLine.objects.get().allocated
    place(incoming_line(quantity=2), version=3)

    row.refresh_from_db()
    assert up == 5
    assert OrderLine.objects.get().allocated == 2
    assert row.reserved == 2


def test_a_removed_line_gives_its_stock_back_and_a_new_one_takes_some():
    first, second = stock("SKU-1"), stock("SKU-2")
    place(incoming_line("SKU-1"), version=1)

    place(incoming_line("SKU-2", quantity=2), version=2)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.reserved, second.reserved) == (0, 2)
    assert list(OrderLine.objects.order_by("ref").values_list("ordered", "open", "allocated")) == [(0, 0, 0), (2, 0, 2)]


def test_a_cancelled_order_takes_no_stock_and_gives_back_what_it_took():
    row = stock()
    order = place(version=1)

    place(version=2, status="cancelled", cancel_reason="customer")
    order.refresh_from_db()
    row.refresh_from_db()

    assert order.status == "CANCELLED"
    assert row.reserved == 0
    assert Event.objects.filter(type="order.cancelled").count() == 1


def test_units_that_left_elsewhere_take_no_stock():
    row = stock()

    order = place(incoming_line(quantity=2, fulfilled_elsewhere=2))

    row.refresh_from_db()
    assert row.reserved == 0
    assert order.status == "COMPLETED"


def test_a_test_order_is_flagged_and_takes_no_stock():
    row = stock()

    order = place(test=True)

    row.refresh_from_db()
    assert order.test
    assert row.reserved == 0
    assert not Case.objects.exists()


def test_a_gift_card_needs_no_picking():
    ItemFactory(sku="CARD")

    order = place(incoming_line("CARD", gift_card=True, requires_shipping=False))

    assert order.status == "COMPLETED"
    assert order.lines.get().fulfilled == 1


def test_an_unknown_sku_keeps_its_line_and_opens_a_case_while_the_rest_goes_on():
    row = stock()

    order = place(incoming_line(), incoming_line("NOBODY-KNOWS", title="Mystery", price="7.00"))

    row.refresh_from_db()
    line = order.lines.get(sku="NOBODY-KNOWS")
    assert (line.item_id, line.title, line.unit_price) == (None, "Mystery", Decimal(7))
    assert row.reserved == 1
    assert Case.objects.get().reason == "orders.unknown_sku"


def test_the_channels_own_name_for_an_article_is_understood():
    row = stock("INTERNAL-1")
    ItemAliasFactory(system="webshop", code="THEIR-1", item=row.item)

    order = place(incoming_line("THEIR-1"))

    assert order.lines.get().item_id == row.item_id


def test_totals_that_disagree_keep_the_order_and_name_the_figure():
    stock()

    order = place(total=Decimal("99.00"))

    case = Case.objects.get()
    assert case.reason == "orders.totals_disagree"
    assert order.disagreements == ["total: stated 99.00, reckoned 10.00"]
    assert order.status == "ACCEPTED"


def test_figures_that_agree_later_clear_the_case():
    stock()
    place(total=Decimal("99.00"), version=1)

    place(version=2)

    assert Case.objects.get().status == "RESOLVED"


def test_a_short_order_takes_nothing_and_opens_one_case():
    row, other = stock("SKU-1", sellable=1), stock("SKU-2", sellable=9)

    order = place(incoming_line("SKU-1", quantity=2), incoming_line("SKU-2"))

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.reserved, other.reserved) == (0, 0)
    assert order.status == "RECEIVED"
    assert Case.objects.get().reason == "orders.unallocated"
    assert Event.objects.filter(type="order.unallocated").count() == 1


def test_a_payment_that_is_pending_holds_the_order_until_it_arrives():
    row = stock()
    order = place(version=1, payment_state="pending")

    held = list(Hold.objects.values_list("type", "status"))
    place(version=2, payment_state="paid")

    row.refresh_from_db()
    assert held == [("PAYMENT", "CREATED")]
    assert row.reserved == 1
    assert Hold.objects.get().status == "RESOLVED"
    assert Event.objects.filter(type="hold.resolved", subject_uid=str(order.pk)).count() == 1


def test_an_incomplete_address_holds_the_order():
    stock()

    place(ship_to=Address(name="Nadia Osei", country="GB"))

    hold = Hold.objects.get()
    assert hold.type == "ADDRESS"
    assert "line1, city, postal code" in hold.reason


def test_money_events_count_once_whoever_brings_them():
    stock()
    paid = IncomingPayment(ref="ch_1", kind="captured", amount=Decimal(10), currency="GBP", at=PLACED_AT)

    place(version=2, payments=(paid,))
    place(version=1, payments=(paid,))
    place(version=3, payments=(paid,))

    assert Payment.objects.count() == 1


def test_a_refund_takes_units_that_had_not_left_off_once():
    row = stock()
    order = place(incoming_line(quantity=3))
    refund = IncomingRefund(
        ref="r1",
        order_ref="1001",
        at=PLACED_AT,
        currency="GBP",
        lines=(RefundLine(line_ref="line-SKU-1", quantity=2, restock="cancel"),),
    )

    first = intake.refund(refund, channel=ChannelFactory(), actor=SYSTEM)
    second = intake.refund(refund, channel=ChannelFactory(), actor=SYSTEM)

    row.refresh_from_db()
    line = order.lines.get()
    assert (first.outcome, second.outcome) == ("changed", "unchanged")
    assert (line.ordered, line.allocated, line.cancelled) == (3, 1, 2)
    assert row.reserved == 1


def test_a_new_order_in_place_takes_few_round_trips(django_assert_max_num_queries):
    stock()
    message = incoming(incoming_line(quantity=2))
    channel = ChannelFactory()

    # look, hold, its event, write, events; the test's own transaction saves BEGIN and COMMIT
    with django_assert_max_num_queries(5):
        intake.place(message, channel=channel, actor=SYSTEM)


def test_a_field_that_came_later_changes_no_digest_while_it_says_nothing():
    order = incoming()
    said = canonical.adapter(canonical.IncomingOrder).dump_python(order, mode="json")
    # As orders were digested before they said in which language: no such field at all.
    before = hashlib.sha256(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()).digest()

    assert "language" not in said
    assert canonical.digest(order) == before
    assert canonical.digest(replace(order, language="fr")) != before
