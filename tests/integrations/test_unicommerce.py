"""Unicommerce's sale orders: each item one unit, totals from the items, and what is refused or left alone."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest

from integrations.channels import registry
from integrations.channels.meaning import Meaning, PlaceOrder
from integrations.failures import FailureClass, Unreadable
from orders.canonical import IncomingOrder, totals_problem
from tests.integrations.test_marketplaces import fixture


def document(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(fixture("unicommerce", "order"))
    found["saleOrderDTO"] |= changes
    return found


def meaning(found: Any) -> Meaning:
    return registry.get("unicommerce").understand("", json.dumps(found).encode())


def order_of(found: Any) -> IncomingOrder:
    (act,) = meaning(found).acts
    assert isinstance(act, PlaceOrder)
    return act.order


def refused(found: Any) -> tuple[FailureClass, str]:
    with pytest.raises(Unreadable) as raised:
        meaning(found)
    return raised.value.failure_class, "; ".join(f"{fault.path}: {fault.message}" for fault in raised.value.faults)


def test_an_order_re_adds_from_its_items_and_goes_where_they_go():
    order = order_of(document())

    assert totals_problem(order) == []
    assert (order.channel_ref, order.number, order.currency) == ("SO7001", "WEB-2001", "INR")
    assert (order.total, order.shipping_total, order.other_total) == (
        Decimal("5963.51"),
        Decimal("49.5"),
        Decimal("15.01"),
    )
    assert [(line.ref, line.quantity, line.unit_price, line.discount_total) for line in order.lines] == [
        ("FF-SCK-WOOL-0", 1, Decimal(500), Decimal(50)),
        ("FF-SCK-WOOL-1", 1, Decimal(500), Decimal(50)),
        ("FF-JKT-OLV-M-0", 1, Decimal(4999), Decimal(0)),
    ]
    assert order.ship_to
    assert order.ship_to.line1 == "17 Church Street"
    assert order.placed_at.isoformat() == "2026-01-05T09:55:00+00:00"
    assert order.tags == ("OWN_SHOP", "cash on delivery")


def test_items_cancelled_or_gone_are_so_and_an_order_of_none_left_is_cancelled():
    found = document()
    items = found["saleOrderDTO"]["saleOrderItems"]
    items[0]["statusCode"], items[1]["statusCode"] = "CANCELLED", "DISPATCHED"

    part = order_of(found)
    items[1]["statusCode"] = items[2]["statusCode"] = "CANCELLED"
    none = order_of(found)

    assert [(line.cancelled_quantity, line.fulfilled_elsewhere) for line in part.lines] == [(1, 0), (0, 1), (0, 0)]
    assert (part.status, none.status) == ("open", "cancelled")


def test_what_is_no_order_to_take_is_left_alone_and_says_why():
    assert "waits to be verified" in meaning(document(status="PENDING_VERIFICATION")).ignored
    assert "range" in meaning({"successful": True, "itemTypeDTO": {"skuCode": "A"}}).ignored
    assert "invoice" in meaning({"successful": True, "invoice": {"code": "I-1"}}).ignored
    assert "empty" in meaning({"successful": True, "elements": []}).ignored


def test_what_cannot_be_told_is_refused_and_never_guessed():
    several = document()
    several["saleOrderDTO"]["saleOrderItems"][0]["shippingAddressId"] = 9001
    unpriced = document()
    del unpriced["saleOrderDTO"]["saleOrderItems"][2]["totalPrice"]
    named = [{"code": f"SO{n}", "displayOrderCode": f"W{n}", "status": "CREATED"} for n in range(7)]

    assert "go to 2 addresses: 9001, 9002" in refused(several)[1]
    assert "saleOrderItems[2].totalPrice: is missing" in refused(unpriced)[1]
    assert "no word for: 'MISLAID'" in refused(document(status="MISLAID"))[1]
    assert "milliseconds since 1970" in refused(document(updated=1767610800))[1]
    assert refused({"elements": named}) == (
        FailureClass.MISSING_REFERENCE,
        "elements: names only orders SO0, SO1, SO2, SO3, SO4 and 2 more, without their items: send each order whole",
    )
    assert "INVALID_CODE" in refused({"successful": False, "errors": [{"message": "INVALID_CODE"}]})[1]
    assert refused({"hello": 1})[0] == FailureClass.UNPARSABLE
