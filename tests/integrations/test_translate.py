"""Shopify's documents in Backroom's words: pure, exact and total."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.channels.meaning import Meaning, PlaceOrder, RecordPayments, RecordRefund
from integrations.channels.shopify.translate import understand
from integrations.failures import FailureClass, Unreadable
from orders.canonical import IncomingOrder, totals_problem
from tests.integrations.conftest import FIXTURES
from tests.integrations.wounds import mutated

ZERO = Decimal(0)
DOCUMENTS = sorted(FIXTURES.glob("*.json"))


def read(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def meaning(document: Any, topic: str = "") -> Meaning:
    return understand(topic, json.dumps(document).encode())


def order(document: Any, topic: str = "") -> IncomingOrder:
    act = meaning(document, topic).acts[0]
    assert isinstance(act, PlaceOrder)
    return act.order


def refusal(document: Any, topic: str = "") -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        meaning(document, topic)
    return caught.value


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if "order" in p.stem], ids=lambda p: p.stem)
def test_an_understood_order_adds_up_to_the_cent(path: Path):
    acts = understand("", path.read_bytes()).acts

    for act in acts:
        if isinstance(act, PlaceOrder):
            expected = ["total: stated 23.43, reckoned 23.34"] if "disagree" in path.stem else []
            assert totals_problem(act.order) == expected


def test_an_order_with_discounts_keeps_every_figure():
    found = order(read("orders_create"), "orders/create")

    assert (found.channel_ref, found.number, found.currency) == ("5600000000001", "#2001", "GBP")
    assert (found.total, found.subtotal, found.discount_total) == (
        Decimal("161.8300"), Decimal("149.8500"), Decimal("19.9400"),
    )  # fmt: skip
    assert (found.shipping_total, found.tax_total) == (Decimal("4.9500"), Decimal("26.9700"))
    assert [(line.sku, line.quantity, line.discount_total, line.tax_total) for line in found.lines] == [
        ("FF-JKT-OLV-M", 1, Decimal("12.0000"), Decimal("21.6000")),
        ("FF-SCK-WOOL", 3, Decimal("2.9900"), Decimal("5.3700")),
    ]
    assert found.tags == ("gift", "Autumn Walk")
    assert found.ship_to is not None
    assert (found.ship_to.country, found.ship_to.postal_code) == ("GB", "LA9 4QT")
    assert found.placed_at.isoformat() == "2026-09-14T09:22:31+00:00"


def test_what_left_and_what_was_taken_off_are_told_apart():
    found = order(read("orders_updated"), "orders/updated")

    assert [(line.fulfilled_elsewhere, line.cancelled_quantity) for line in found.lines] == [(1, 0), (0, 1)]
    assert [(r.ref, r.amount, r.lines[0].restock) for r in found.refunds] == [
        ("930000000001", Decimal("10.7400"), "cancel"),
        ("930000000002", Decimal("129.6000"), "return"),
    ]
    assert found.version > order(read("orders_create")).version


def test_a_tip_is_no_line_and_a_gift_card_is_not_shipped():
    found = order(read("orders_create_tax_included_gift_card_tip"))

    assert [(line.sku, line.gift_card, line.requires_shipping) for line in found.lines] == [
        ("FF-MUG-ENAMEL", False, True),
        ("GIFT-50", True, False),
    ]
    assert (found.other_total, found.subtotal, found.tax_included) == (Decimal("3.0000"), Decimal("79.0000"), True)
    assert found.placed_at.isoformat() == "2026-10-25T00:30:00+00:00"


def test_a_sale_at_the_till_belongs_to_its_location():
    found = order(read("orders_create_at_the_till"))

    assert (found.method, found.pickup_location_code, found.ship_to, found.buyer) == (
        "PICKUP", "88000000005", None, None,
    )  # fmt: skip
    assert found.lines[0].fulfilled_elsewhere == 1


def test_yen_have_no_cents_and_duties_are_in_the_total():
    found = order(read("orders_create_yen_with_duties"))

    assert (found.total, found.other_total, found.currency) == (Decimal("30764.0000"), Decimal("1984.0000"), "JPY")
    refused = refusal(read("orders_create_yen_with_duties") | {"total_price": "307.64", "total_price_set": None})
    assert (refused.failure_class, refused.faults[0].path) == (FailureClass.BAD_VALUE, "total_price")


def test_the_shops_money_counts_not_what_the_buyer_was_shown():
    found = order(read("orders_create_shown_in_euro"))

    assert (found.currency, found.total, found.other_total) == ("GBP", Decimal("54.2800"), Decimal("1.0000"))
    assert found.lines[1].sku == ""
    assert found.lines[1].title == "Hand Carved Spoon"


def test_discounts_keep_their_names_line_by_line():
    found = order(read("orders_create"), "orders/create")

    assert [(each.line_ref, each.on_shipping, each.code, each.title, each.amount) for each in found.discounts] == [
        (found.lines[0].ref, False, "AUTUMN10", "", Decimal("12.0000")),
        (found.lines[1].ref, False, "AUTUMN10", "", Decimal("2.9900")),
        ("", True, "", "Free delivery over £100", Decimal("4.9500")),
    ]
    assert sum(each.amount for each in found.discounts) == found.discount_total
    old = read("orders_create")
    for node in [*old["line_items"], *old["shipping_lines"]]:
        del node["discount_allocations"]
    (code,) = order(old | {"discount_applications": None}).discounts
    assert (code.line_ref, code.on_shipping, code.code, code.amount) == ("", False, "AUTUMN10", Decimal("14.9900"))


def test_graphql_names_discounts_tax_of_the_channel_and_what_the_buyer_saw():
    document = read("graphql_order")
    body = document["data"]["order"]
    line = body["lineItems"]["edges"][0]["node"]
    line["discountAllocations"][0]["discountApplication"] = {"__typename": "DiscountCodeApplication", "code": "BULK30"}
    line["taxLines"][0]["channelLiable"] = True
    in_dollars(body)

    found = order(document)

    assert [(each.line_ref, each.code, each.amount) for each in found.discounts] == [
        (found.lines[0].ref, "BULK30", Decimal("30.0000")),
    ]
    assert (found.lines[0].marketplace_tax_total, found.marketplace_shipping_tax_total) == (Decimal("66.0000"), None)
    seen = found.presentment
    assert seen is not None
    assert (seen.currency, seen.total, seen.discount_total) == ("USD", Decimal("803.8800"), Decimal("60.0000"))
    assert (seen.shipping_total, seen.tax_total, seen.other_total) == (Decimal("9.9000"), Decimal("133.9800"), ZERO)
    (each,) = seen.lines
    assert (each.unit_price, each.discount_total, each.tax_total) == (
        Decimal("240.0000"), Decimal("60.0000"), Decimal("132.0000"),
    )  # fmt: skip
    body["lineItems"]["edges"][0]["node"]["taxLines"][0]["priceSet"].pop("presentmentMoney")
    again = order(document).presentment
    assert again is not None
    assert again.lines[0].tax_total is None  # not stated is not nothing


def in_dollars(value: Any) -> None:
    """Every bag's presentment as twice its shop money, in dollars."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict) and "shopMoney" in each:
            twice = str(Decimal(each["shopMoney"]["amount"]) * 2)
            each["presentmentMoney"] = {"amount": twice, "currencyCode": "USD"}
        elif isinstance(each, (dict, list)):
            in_dollars(each)


def test_what_the_buyer_saw_in_another_currency_stands_beside_it_and_adds_up():
    found = order(read("orders_create_shown_in_euro"))

    seen = found.presentment
    assert seen is not None
    assert (seen.currency, seen.total, seen.other_total) == ("EUR", Decimal("63.5100"), Decimal("1.1700"))
    goods = sum((line.unit_price or ZERO) * units for line, units in zip(seen.lines, (2, 1), strict=True))
    assert goods + (seen.shipping_total or ZERO) + (seen.tax_total or ZERO) + Decimal("1.17") == seen.total
    assert [line.tax_total for line in seen.lines] == [Decimal("4.6600"), Decimal("4.2100")]
    assert order(read("orders_create")).presentment is None


def test_tax_the_sales_channel_collects_is_told_apart():
    document = read("orders_create_shown_in_euro")
    document["line_items"][0]["tax_lines"][0]["channel_liable"] = True
    document["shipping_lines"][0]["tax_lines"][0]["channel_liable"] = True

    found = order(document)

    assert [line.marketplace_tax_total for line in found.lines] == [Decimal("3.9800"), None]
    assert found.marketplace_shipping_tax_total == Decimal("1.3000")
    assert found.tax_total == Decimal("8.8800")


def test_a_cancelled_order_says_when_and_why():
    found = order(read("orders_cancelled"), "orders/cancelled")

    assert (found.status, found.cancel_reason, found.payment_state) == ("cancelled", "customer", "voided")
    assert found.lines[0].cancelled_quantity == 1


def test_both_formats_speak_of_the_same_order():
    found = order(read("graphql_order"))
    refund = meaning(read("graphql_order_refunds")).acts[0]
    paid = meaning(read("graphql_order_transactions")).acts[0]

    assert isinstance(refund, RecordRefund)
    assert isinstance(paid, RecordPayments)
    assert found.channel_ref == refund.refund.order_ref == paid.order_ref == "5600000000009"
    assert (found.lines[0].fulfilled_elsewhere, found.lines[0].cancelled_quantity) == (1, 1)
    assert (refund.refund.amount, refund.refund.lines[0].restock) == (Decimal("132.0000"), "cancel")
    assert [payment.kind for payment in paid.payments] == ["authorised", "captured"]
    assert paid.payments[1].parent_ref == "660000000090"


def test_transactions_become_money_events_only_when_money_moved():
    declined = meaning(read("order_transactions_create_declined")).acts[0]

    assert isinstance(declined, RecordPayments)
    assert declined.payments[0].kind == "failed"
    assert meaning(read("order_transactions_create_pending")).ignored


def test_a_refund_of_shipping_alone_is_understood():
    act = meaning(read("refunds_create_shipping_only"), "refunds/create").acts[0]

    assert isinstance(act, RecordRefund)
    assert (act.refund.amount, act.refund.shipping_amount, act.refund.lines) == (
        Decimal("7.8000"), Decimal("7.8000"), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("draft_orders_create", "draft_orders/create"),
        ("fulfillments_create", "fulfillments/create"),
        ("orders_edited", "orders/edited"),
        ("products_update", "products/update"),
    ],
)
def test_what_is_no_order_is_ignored_with_a_reason_by_topic_and_by_its_keys(name: str, topic: str):
    assert meaning(read(name), topic).ignored == meaning(read(name)).ignored != ""


def test_ids_keep_every_digit():
    document = read("orders_create")
    document["id"] = 9007199254740993
    document["line_items"][0]["id"] = 9223372036854775807
    text = json.dumps(document).replace('"id": 5600000000001', '"id": 9007199254740993')

    found = understand("orders/create", text.encode()).acts[0]

    assert isinstance(found, PlaceOrder)
    assert found.order.channel_ref == "9007199254740993"
    assert found.order.lines[0].ref == "9223372036854775807"


def test_money_is_read_from_its_text_never_through_a_float():
    text = (FIXTURES / "orders_create_test.json").read_text().replace('"14.50"', "14.5000").replace('"4.95"', "4.95")

    found = understand("", text.encode()).acts[0]

    assert isinstance(found, PlaceOrder)
    assert found.order.lines[0].unit_price == Decimal("14.5000")
    assert totals_problem(found.order) == []


def test_null_lists_a_mark_of_order_and_nul_characters_do_no_harm():
    document = read("orders_create") | {"shipping_lines": None, "refunds": None, "note": "Deliver\x00 early"}

    found = understand("", b"\xef\xbb\xbf" + json.dumps(document).encode()).acts[0]

    assert isinstance(found, PlaceOrder)
    assert found.order.note == "Deliver early"


def test_a_poll_of_orders_is_as_many_orders():
    polled = {"orders": [read("orders_create"), read("orders_cancelled")]}
    nodes = {"data": {"orders": {"nodes": [read("graphql_order")["data"]["order"]]}}}

    assert [act.order.number for act in meaning(polled).acts if isinstance(act, PlaceOrder)] == ["#2001", "#2003"]
    assert [act.order.number for act in meaning(nodes).acts if isinstance(act, PlaceOrder)] == ["#2009"]
    polled["orders"][1]["currency"] = "?"
    assert refusal(polled).faults[0].path == "[1].currency"
    assert meaning({"orders": []}).ignored


def changed(path: str, value: Any, name: str = "orders_create") -> dict[str, Any]:
    document: Any = read(name)
    at = document
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        at = at[step]
    at[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("line_items.1.price", "example string", "line_items[1].price"),
        ("line_items.0.quantity", True, "line_items[0].quantity"),
        ("line_items.0.quantity", -1, "line_items[0].quantity"),
        ("line_items.0.quantity", "1e3", "line_items[0].quantity"),
        ("line_items.0.price", "1e2", "line_items[0].price"),
        ("line_items.0.price_set.shop_money.amount", "119.00", "line_items[0].price"),
        ("line_items.0.price_set.shop_money.currency_code", "EUR", "line_items[0].price_set.shop_money.currency_code"),
        ("currency", "GBp", "currency"),
        ("created_at", "2026-02-30T10:00:00Z", ""),
        ("processed_at", "2026-09-14T10:00:00", "processed_at"),
        ("financial_status", "half_paid", "financial_status"),
        ("shipping_address.country_code", "Great Britain", "shipping_address.country_code"),
        ("id", 5600000000001.5, "id"),
        ("line_items", {}, "line_items"),
        ("line_items", [], "line_items"),
        ("total_price", "-1.00", "total_price"),
        ("test", "no", "test"),
    ],
)
def test_a_value_out_of_place_is_named_with_its_path(path: str, value: Any, named: str):
    if not named:
        document = changed(path, value) | {"processed_at": None}
        named = path
    else:
        document = changed(path, value)

    refused = refusal(document, "orders/create")

    assert refused.failure_class is FailureClass.BAD_VALUE
    assert named in [fault.path for fault in refused.faults], refused.reason


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01",
        b"<br />Warning",
        b"{" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a": NaN}',
        b'{"id": 1, "id": 2}',
        b"1" * 5000,
        b'{"order": {"id": 1',
        b'"text"',
        b"\xff\xfe{}",
        b"Name,Email\n#1,a@b",
        b'{"a": 1e99999999}',
    ],
)
def test_what_is_no_document_is_refused_by_name(body: bytes):
    with pytest.raises(Unreadable) as caught:
        understand("", body)

    assert caught.value.failure_class in FailureClass
    assert caught.value.reason


def test_an_unknown_topic_is_refused():
    assert refusal({}, "spaceships/create").faults[0].path == "topic"


@given(which=st.sampled_from(DOCUMENTS), seed=st.integers(0, 2**32), cut=st.none() | st.floats(0, 1))
def test_no_wound_to_a_document_raises_anything_unnamed(which: Path, seed: int, cut: float | None):
    chance = random.Random(seed)
    document = json.loads(which.read_text())
    body = json.dumps(mutated(document, chance)).encode()
    if cut is not None:
        body = body[: int(len(body) * cut)]
    topic = chance.choice(["", "orders/create", "orders/updated", "refunds/create", "order_transactions/create"])

    refused = found = None
    try:
        found = understand(topic, body)
    except Unreadable as error:
        refused = error

    if found is not None:
        assert bool(found.acts) != bool(found.ignored)
    elif refused is not None:
        assert refused.reason
        assert refused.failure_class in FailureClass
