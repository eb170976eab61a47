"""Each case an order can open shows what proves it, and offers what may put it right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from exceptions import reasons
from exceptions.models import Case
from exceptions.services import cases
from orders.models import FulfilmentOrder, Hold
from orders.services import fulfilment, holds
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

pytestmark = pytest.mark.django_db


def words(found) -> str:
    """Everything an evidence says, as one text."""
    several = found if isinstance(found, list) else [found]
    rows = [row.cells if hasattr(row, "cells") else row for evidence in several for row in evidence.rows]
    return " ".join(
        [*(e.heading for e in several), *(str(getattr(cell, "text", cell)) for row in rows for cell in row)]
    )


def evidence(code: str, uid: int) -> str:
    reason = reasons.get(code)
    assert reason.predicate(str(uid))
    assert reason.context(str(uid)).title
    return words(reason.evidence(str(uid)))


def test_an_unknown_sku_is_shown_with_its_line():
    order = place(incoming_line("NOBODY-KNOWS", title="Mystery"))

    said = evidence("orders.unknown_sku", order.pk)

    assert "NOBODY-KNOWS" in said
    assert "Mystery" in said
    assert reasons.get("orders.unknown_sku").standing() == [str(order.pk)]


def test_the_action_maps_a_sku_that_is_known_by_now():
    order = place(incoming_line("LATER"))
    StockFactory(item=ItemFactory(sku="LATER"))
    action = reasons.get("orders.unknown_sku").action("map_again")

    reasons.run(action, str(order.pk), actor=SYSTEM)

    assert Case.objects.get().status == "RESOLVED"


def test_a_short_order_says_what_was_free_and_which_node_was_left_out():
    item = ItemFactory(sku="SKU-1")
    StockFactory(item=item, sellable=1)
    StockFactory(item=item, sellable=9, location=LocationFactory(code="closed-one", status="PAUSED"))
    order = place(incoming_line(quantity=3))

    said = evidence("orders.unallocated", order.pk)

    assert "SKU-1" in said
    assert "closed-one paused" in said
    assert reasons.get("orders.unallocated").standing() == [str(order.pk)]
    assert reasons.get("orders.unallocated").value(str(order.pk)) == (Decimal(30), "GBP")


def test_figures_that_disagree_are_named():
    StockFactory(item=ItemFactory(sku="SKU-1"))
    order = place(total=Decimal(99))

    assert "stated 99.00, reckoned 10.00" in evidence("orders.totals_disagree", order.pk)


def test_a_total_nobody_stated_is_named_too():
    StockFactory(item=ItemFactory(sku="SKU-1"))
    order = place(total=None)

    assert "not stated" in evidence("orders.totals_disagree", order.pk)


def test_a_short_pick_says_where_its_units_come_from_now():
    item = ItemFactory(sku="SKU-1")
    StockFactory(item=item, location=LocationFactory(priority=1))
    StockFactory(item=item, location=LocationFactory(priority=2))
    order = place()
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)
    line = FulfilmentOrder.objects.get().lines.get()
    fulfilment.short_pick(job, line_id=line.pk, quantity=1, reason="DAMAGED", actor=SYSTEM)

    said = evidence("orders.short_pick", job)

    assert "Damaged" in said
    assert "1 at another node" in said


def test_a_hold_is_a_case_only_once_it_waits_too_long():
    StockFactory(item=ItemFactory(sku="SKU-1"))
    order = place()
    holds.place_manual(order.pk, reason="Call the customer", actor=SYSTEM)
    reason = reasons.get("orders.hold_waiting")
    young = reason.predicate(str(order.pk))

    Hold.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    cases.open_standing(["orders.hold_waiting"])

    assert not young
    assert "Call the customer" in evidence("orders.hold_waiting", order.pk)
    reasons.run(reason.action("release_manual"), str(order.pk), actor=SYSTEM)
    assert Case.objects.get().status == "RESOLVED"


def test_a_late_cancellation_says_what_had_left():
    StockFactory(item=ItemFactory(sku="SKU-1"))
    order = place(version=1)
    (job,) = fulfilment.create(order.pk)
    fulfilment.start_pick(job, actor=SYSTEM)
    fulfilment.pick(job, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job, actor=SYSTEM)
    fulfilment.ship(job, actor=SYSTEM)
    place(version=2, status="cancelled")

    assert "SKU-1" in evidence("orders.cancelled_too_late", order.pk)
