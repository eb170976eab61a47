"""What Shopify says of an order's money, down to the last row of the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal

import pytest

from core.actors import SYSTEM
from finance.models import Charge, OrderMoney
from finance.services import charges
from integrations.channels.meaning import PlaceOrder
from integrations.channels.shopify.translate import understand
from integrations.models import Connection
from orders.services import intake
from tests.integrations.conftest import FIXTURES

pytestmark = pytest.mark.django_db
D = Decimal


def booked(name: str, shop: Connection, *liable: str) -> tuple[list[Charge], OrderMoney]:
    document = json.loads((FIXTURES / f"{name}.json").read_text())
    for kind in liable:
        document[kind][0]["tax_lines"][0]["channel_liable"] = True
    (act,) = understand("orders/create", json.dumps(document).encode()).acts
    assert isinstance(act, PlaceOrder)
    placed = intake.place(act.order, channel=shop.channel, actor=SYSTEM)
    charges.keep(placed.order_id)
    return list(Charge.objects.filter(order=placed.order_id)), OrderMoney.objects.get(order=placed.order_id)


def test_what_the_buyer_saw_and_who_hands_which_tax_on_add_up_in_both_currencies(shop):
    rows, money = booked("orders_create_shown_in_euro", shop, "line_items", "shipping_lines")

    assert (money.total, money.presentment_current) == (D("54.28"), D("63.51"))
    assert sum(row.amount for row in rows) == D("54.28")
    assert sum(row.presentment_amount for row in rows) == D("63.51")
    theirs = [(row.amount, row.presentment_amount) for row in rows if row.collected_by == "marketplace"]
    assert sorted(theirs) == [(D("1.30"), D("1.52")), (D("3.98"), D("4.66"))]
    assert not [row for row in rows if row.kind == "adjustment"]


def test_a_discount_stands_under_its_own_name_on_every_line_it_was_given_on(shop):
    rows, money = booked("orders_create", shop)

    off: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.kind == "discount":
            off[row.label] += row.amount
    assert off == {"AUTUMN10": D("-14.99"), "Free delivery over £100": D("-4.95")}
    assert {row.funded_by for row in rows if row.kind == "discount"} == {"merchant"}
    assert money.total == D("161.83")
