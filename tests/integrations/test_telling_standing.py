"""Shopify's fulfilment orders follow ours, against a server that speaks its protocol: held, released, moved."""

from __future__ import annotations

import pytest

from config.devstack.shopify import Server
from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from integrations.channels import standing, tasks
from integrations.models import Connection
from orders.models import FulfilmentOrder, Hold, Order
from orders.services import fulfilment, holds
from tests.integrations.test_telling_changes import BODY, order, server, theirs

__all__ = ["order", "server"]
pytestmark = pytest.mark.django_db


def fact(type_: str) -> Fact:
    row = Event.objects.filter(type=type_).latest("id")
    about = Subject(row.subject_kind, row.subject_uid, row.subject_label)
    of = Order.objects.get()
    related = ((Subject("order", str(of.pk), of.number), "order"),)
    return Fact(row.pk, row.uid, row.type, about, SYSTEM, row.data, row.occurred_at, "", row.pk, related)


def plan(server: Server) -> list[tuple[str, str, int]]:
    """(status, location, units) of each fulfilment order there."""
    return [
        (
            each["status"], each["assignedLocation"]["location"]["id"].rpartition("/")[2],
            sum(line["remainingQuantity"] for line in each["lineItems"]["nodes"]),
        )
        for each in theirs(server)["fulfillmentOrders"]["nodes"]
    ]  # fmt: skip


UNITS = sum(line["quantity"] for line in BODY["line_items"])


def released(order: Order) -> FulfilmentOrder:
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get()


def hold(order: Order) -> Hold:
    holds.place_manual(order.pk, reason="Rang: wait until Friday", actor=SYSTEM)
    return Hold.objects.standing().get(order=order)


def test_a_hold_stands_there_once_and_ends_with_ours(order: Order, server: Server):
    held = hold(order)
    server.shop.faults["lose_answer"] = 1

    for _ in range(4):
        try:
            standing.tell(fact("order.held"))
        except TryLater:
            server.shop.faults["lose_answer"] = 0

    assert plan(server) == [("ON_HOLD", "880", UNITS)]
    (there,) = theirs(server)["fulfillmentOrders"]["nodes"][0]["fulfillmentHolds"]
    assert (there["handle"], there["reasonNotes"]) == ("backroom", held.reason)

    holds.release(order.pk, hold_type=held.type, note="Friday", actor=SYSTEM)
    standing.tell(fact("hold.resolved"))
    standing.tell(fact("order.held"))  # late: it tells what stands now

    assert plan(server) == [("OPEN", "880", UNITS)]


def test_holds_of_others_are_left_alone(order: Order, server: Server):
    there = theirs(server)["fulfillmentOrders"]["nodes"][0]
    other = {"id": "gid://shopify/FulfillmentHold/1", "handle": None, "heldByRequestingApp": False}
    there |= {"status": "ON_HOLD", "fulfillmentHolds": [other]}
    held = hold(order)

    standing.tell(fact("order.held"))
    holds.release(order.pk, hold_type=held.type, note="x", actor=SYSTEM)
    standing.tell(fact("hold.resolved"))

    assert (there["status"], there["fulfillmentHolds"]) == ("ON_HOLD", [other])


def test_units_move_to_the_location_they_leave_from(order: Order, shop: Connection, server: Server):
    shop.settings |= {"stock_locations": {"LEEDS": "991"}}
    shop.save()
    released(order)

    for _ in range(2):
        standing.tell(fact("fulfilment.opened"))

    assert plan(server) == [("OPEN", "991", UNITS)]
    assert server.shop.calls.count("mutation Move") == 1


def test_nothing_is_asked_where_places_are_not_mapped(order: Order, server: Server):
    released(order)

    standing.tell(fact("fulfilment.opened"))

    assert plan(server) == [("OPEN", "880", UNITS)]
    assert server.shop.calls == []


def test_a_location_that_does_not_stock_it_is_told_in_shopifys_words(order: Order, shop: Connection, server: Server):
    shop.settings |= {"stock_locations": {"LEEDS": "991"}}
    shop.save()
    released(order)
    server.shop.changes.refusals = ["The destination location doesn't stock it."]

    with pytest.raises(Permanent, match="doesn't stock it"):
        standing.tell(fact("fulfilment.opened"))


def test_what_has_left_is_held_no_more(order: Order, server: Server):
    job = released(order)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    hold(order)
    standing.tell(fact("order.held"))
    for line in job.lines.select_related("item"):
        fulfilment.pick(job.pk, code=line.item.sku, quantity=line.quantity, actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, carrier="DHL", tracking_number="JD1", actor=SYSTEM)

    tasks.tell_channel(fact("fulfilment.shipped"))

    assert plan(server) == [("CLOSED", "880", 0)]
