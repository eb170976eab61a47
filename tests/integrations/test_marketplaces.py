"""Amazon, eBay, Walmart, Etsy, Mirakl and TikTok Shop: what their documents mean, to the cent, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from integrations.channels import registry
from integrations.channels.meaning import AskFor, CancelOrder, Meaning, PlaceOrder, RecordRefund, SetAside
from integrations.failures import Unreadable
from integrations.models import Connection
from orders.canonical import IncomingOrder, totals_problem
from orders.models import Channel, Order
from tests.integrations.conftest import ROOT, SAMPLES, state

VENDORS = ("amazon", "ebay", "etsy", "mirakl", "tiktok", "unicommerce", "walmart")
FILES = [path for vendor in VENDORS for path in sorted(SAMPLES.glob(f"{vendor}/*"))]


def fixture(vendor: str, name: str) -> Any:
    return json.loads((ROOT / "integrations/channels" / vendor / "fixtures" / f"{name}.json").read_text())


def meaning(vendor: str, document: Any) -> Meaning:
    return registry.get(vendor).understand("", json.dumps(document).encode())


def order_of(vendor: str, document: Any) -> IncomingOrder:
    (act,) = meaning(vendor, document).acts
    assert isinstance(act, PlaceOrder)
    return act.order


@pytest.mark.parametrize(
    ("vendor", "name", "ref", "total", "tax", "included"),
    [
        ("amazon", "order_v0", "113-4400001-0000001", "86.41", "6.91", False),
        ("ebay", "order", "07-10000-20000", "45.00", "2.00", False),
        ("etsy", "receipt", "3000000001", "64.75", "4.75", False),
        ("mirakl", "order", "005-26061A-A", "72.00", "12.00", False),
        ("tiktok", "order", "576400000000000001", "42.16", "2.88", False),
        ("walmart", "order", "1790000000001", "72.02", "5.52", False),
    ],
)
def test_orders_re_add_to_the_cent(vendor: str, name: str, ref: str, total: str, tax: str, included: bool):
    order = order_of(vendor, fixture(vendor, name))

    assert totals_problem(order) == []
    assert (order.channel_ref, order.total, order.tax_total) == (ref, Decimal(total), Decimal(tax))
    assert order.tax_included is included
    assert order.ship_to
    assert len(order.ship_to.country) == 2


def test_amazon_waits_for_what_it_does_not_say_and_leaves_its_own_warehouses_alone():
    order = fixture("amazon", "order_v0")["payload"]

    assert "pending" in meaning("amazon", {"payload": order | {"OrderStatus": "Pending"}}).ignored
    assert "fulfilled by Amazon" in meaning("amazon", {"payload": order | {"FulfillmentChannel": "AFN"}}).ignored
    assert meaning("amazon", fixture("amazon", "order_v0_without_items")).acts == (
        AskFor("order", "113-4400001-0000001"),
    )
    (cancelled,) = meaning("amazon", fixture("amazon", "order_v0_cancelled")).acts
    assert isinstance(cancelled, CancelOrder)


def test_amazons_prices_hold_their_tax_where_the_figures_say_so():
    document = fixture("amazon", "order_v0")
    document["payload"] |= {"MarketplaceId": "A1F83G8C2ARO7P"}
    document["payload"]["OrderTotal"]["Amount"] = "79.50"

    order = order_of("amazon", document)

    assert order.tax_included
    assert totals_problem(order) == []


def test_amazons_refund_is_what_the_buyer_got_back():
    (act,) = meaning("amazon", fixture("amazon", "finances_refund")).acts

    assert isinstance(act, RecordRefund)
    assert act.refund.amount == Decimal("14.58")


def test_amazon_says_item_by_item_which_tax_it_collects():
    order = order_of("amazon", fixture("amazon", "order_v0"))

    assert [line.marketplace_tax_total for line in order.lines] == [Decimal("2.1600"), None]
    assert order.marketplace_shipping_tax_total == Decimal("0.6500")  # carriage and wrapping
    assert order.shipping_tax_total == Decimal("0.6500")
    assert order.tax_total == Decimal("6.9100")


def test_ebays_own_tax_is_noted_and_pending_refunds_wait():
    order = order_of("ebay", fixture("ebay", "order"))

    assert order.tags == ("tax collected by eBay: 1.23 GBP",)
    assert [(refund.ref, refund.amount) for refund in order.refunds] == [("R-1", Decimal("15.00"))]
    assert order.lines[0].fulfilled_elsewhere == 3


def test_a_line_of_ebays_that_left_in_part_is_asked_for_with_its_fulfilments():
    document = fixture("ebay", "order")
    document["lineItems"][0]["lineItemFulfillmentStatus"] = "IN_PROGRESS"
    assert meaning("ebay", document).acts == (AskFor("order", "07-10000-20000"),)

    document["fulfillments"] = [{"fulfillmentId": "1", "lineItems": [{"lineItemId": "9001", "quantity": 2}]}]

    assert order_of("ebay", document).lines[0].fulfilled_elsewhere == 2


def test_walmarts_statuses_count_by_quantity():
    shipped, cancelled = order_of("walmart", fixture("walmart", "order")).lines

    assert (shipped.fulfilled_elsewhere, shipped.cancelled_quantity) == (1, 0)
    assert (cancelled.fulfilled_elsewhere, cancelled.cancelled_quantity) == (0, 1)


def test_a_discount_among_walmarts_product_charges_counts_once():
    document = fixture("walmart", "order")
    charges = document["order"]["orderLines"]["orderLine"][0]["charges"]["charge"]
    money = {"currency": "USD", "amount": -4.9}
    charges.append({"chargeType": "PRODUCT", "chargeName": "SubscriptionDiscount", "chargeAmount": money, "tax": None})

    order = order_of("walmart", document)

    assert totals_problem(order) == []
    assert (order.lines[0].unit_price, order.total, order.discount_total) == (
        Decimal(49), Decimal("67.12"), Decimal("7.4"))  # fmt: skip


def test_a_refund_of_mirakls_gives_its_taxes_back_too():
    document = fixture("mirakl", "order")
    tax = [{"amount": 2.7, "code": "TVA"}]
    refund = {"id": "r1", "amount": 13.5, "quantity": 1, "taxes": tax, "state": "REFUNDED",
              "transaction_date": "2026-03-04T10:00:00Z"}  # fmt: skip
    document["orders"][0]["order_lines"][0]["refunds"] = [refund]

    (given_back,) = order_of("mirakl", document).refunds

    assert given_back.amount == Decimal("16.2")


def test_mirakls_volume_price_is_a_discount_and_its_address_a_country():
    order = order_of("mirakl", fixture("mirakl", "order"))

    assert (order.lines[0].unit_price, order.discount_total) == (Decimal(15), Decimal("6.00"))
    assert order.lines[0].cancelled_quantity == 1
    assert order.ship_to
    assert order.ship_to.country == "FR"


@pytest.mark.parametrize(
    ("vendor", "name", "path", "value", "said"),
    [
        ("amazon", "order_v0", "payload.OrderStatus", "Lost", "no word for: 'Lost'"),
        ("amazon", "order_v0", "payload.OrderTotal.CurrencyCode", "XYZ", "currency of ISO 4217"),
        ("amazon", "order_v0", "payload.OrderItems.0.ItemPrice", None, "is missing on an order that waits for nothing"),
        ("amazon", "order_v0", "payload.PurchaseDate", "2026-03-02T08:15:00", "with its offset"),
        ("ebay", "order", "orderPaymentStatus", "MAYBE", "no word for: 'MAYBE'"),
        ("ebay", "order", "pricingSummary.total", None, "pricingSummary.total: is missing"),
        ("etsy", "receipt", "status", "Posted", "no word for: 'Posted'"),
        ("etsy", "receipt", "grandtotal.divisor", 0, "whole divisor"),
        ("etsy", "receipt", "updated_timestamp", 1772442000000, "should be seconds since 1970"),
        ("mirakl", "order", "orders.0.order_state", "GONE", "no word for: 'GONE'"),
        ("mirakl", "order", "orders.0.order_lines.0.quantity", None, "quantity: is missing"),
        ("tiktok", "order", "data.orders.0.status", "NEW", "no word for: 'NEW'"),
        ("tiktok", "order", "data.orders.0.payment.currency", None, "payment.currency: is missing"),
        ("walmart", "order", "order.orderDate", 1772438400, "should be milliseconds since 1970"),
        ("walmart", "order", "order.orderLines.orderLine.0.orderLineQuantity.amount", "2", "account for 1 of 2 units"),
        ("walmart", "order", "order.shippingInfo.postalAddress.country", "Texas", "code of a country"),
    ],
)
def test_nothing_is_guessed(vendor: str, name: str, path: str, value: Any, said: str):
    document = fixture(vendor, name)
    *steps, last = path.split(".")
    node = document
    for step in steps:
        node = node[int(step)] if step.isdigit() else node[step]
    node[last] = value

    with pytest.raises(Unreadable, match=said):
        meaning(vendor, document)


def test_one_bad_order_of_a_list_is_set_aside_and_the_rest_goes_in():
    good, bad = fixture("ebay", "order"), fixture("ebay", "order") | {"orderId": ""}

    placed, aside = meaning("ebay", {"orders": [good, bad], "total": 2}).acts

    assert isinstance(placed, PlaceOrder)
    assert isinstance(aside, SetAside)
    assert json.loads(aside.body) == bad


@pytest.mark.parametrize(
    ("vendor", "document", "act"),
    [
        ("ebay", {"metadata": {"topic": "ORDER_CONFIRMATION"}, "notification": {"data": {"orderId": "1-2"}}},
         AskFor("order", "1-2")),
        ("etsy", {"event_type": "order.paid", "shop_id": 1, "resource_url": "https://x.example/shops/1/receipts/77"},
         AskFor("receipt", "77")),
        ("etsy", {"event_type": "ORDER_PAID", "data": {"resource_url": "https://x.example/shops/1/receipts/78"}},
         AskFor("receipt", "78")),
        ("tiktok", {"type": 1, "shop_id": "9", "data": {"order_id": "5764", "order_status": "UNPAID"}},
         AskFor("order", "5764")),
        ("walmart", {"source": {"eventType": "PO_CREATED"}, "payload": {"purchaseOrderId": "179"}},
         AskFor("order", "179")),
    ],
)  # fmt: skip
def test_thin_messages_ask_for_what_they_name(vendor: str, document: Any, act: AskFor):
    assert meaning(vendor, document).acts == (act,)


@pytest.fixture
def connections(db: None) -> dict[str, Connection]:
    found = {}
    for vendor in VENDORS:
        channel = Channel.objects.create(code=vendor, name=vendor.title(), currency="USD")
        found[vendor] = Connection.objects.create(
            code=vendor, name=vendor.title(), kind=Connection.Kind.CHANNEL, vendor=vendor, channel=channel
        )
    return found


def ingest(*files: Path) -> list[dict[str, Any]]:
    found = []
    for vendor in VENDORS:
        own = [str(path) for path in files if path.parts[-2 if "data" in path.parts[-3] else -3] == vendor]
        if own:
            out = StringIO()
            call_command("ingest", vendor, *own, "--channel", vendor, "--json", stdout=out)
            found += [json.loads(line) for line in out.getvalue().splitlines()]
    return found


def test_an_order_cancelled_before_it_was_taken_in_is_no_trouble(connections: dict[str, Connection], tmp_path: Path):
    folder = ROOT / "integrations/channels/amazon/fixtures"
    again = {"payload": fixture("amazon", "order_v0_cancelled")["payload"] | {"LastUpdateDate": "2026-03-02T11:00:00Z"}}
    later = tmp_path / "cancelled.json"
    later.write_text(json.dumps(again))

    (unknown,) = ingest(folder / "order_v0_cancelled.json")
    ingest(folder / "order_v0.json")
    placed = Order.objects.get().lines.get(sku="FF-JKT-OLV-M")
    call_command("ingest", "amazon", str(later), "--channel", "amazon", "--json", stdout=StringIO())

    assert unknown["outcome"] == "ignored"
    assert placed.cancelled == 0
    placed.refresh_from_db()
    assert placed.cancelled == 1


@pytest.mark.skipif(not FILES, reason="no public samples here")
def test_every_public_sample_gets_an_outcome_with_a_reason_and_twice_is_once(connections: dict[str, Connection]):
    found = ingest(*FILES)

    assert len(found) == len(FILES)
    for each in found:
        assert each["outcome"] in {"processed", "duplicate", "ignored", "failed"}, each
        assert each["reason"] or each["outcome"] == "processed", each
        assert each["case"] or each["outcome"] != "failed", each
    once = {vendor: state(vendor) for vendor in VENDORS}

    assert {each["outcome"] for each in ingest(*FILES)} == {"duplicate"}
    assert {vendor: state(vendor) for vendor in VENDORS} == once


def test_what_no_sample_has_is_taken_as_documented_or_refused_by_name():
    replacement = fixture("amazon", "order_v0")["payload"] | {"IsReplacementOrder": "true"}
    money = {"CurrencyCode": "USD", "Amount": "0.00"}
    named = ("OrderItemId", "SellerSKU", "QuantityOrdered")
    items = [{name: item[name] for name in named} for item in replacement["OrderItems"]]
    (act,) = meaning("amazon", {"payload": replacement | {"OrderItems": items, "OrderTotal": money}}).acts
    assert {line.unit_price for line in act.order.lines} == {0}
    assert (act.order.total, "replacement" in act.order.tags) == (0, True)
    with pytest.raises(Unreadable, match="ItemPrice: is missing"):
        meaning("amazon", {"payload": replacement | {"OrderItems": items, "IsReplacementOrder": "false"}})

    with pytest.raises(Unreadable, match=r"orderFulfillmentStatus: is .* no word for: 'HALF'"):
        meaning("ebay", fixture("ebay", "order") | {"orderFulfillmentStatus": "HALF"})

    grand = {"amount": 10**38, "divisor": 3, "currency_code": "USD"}
    with pytest.raises(Unreadable, match="finer or more than Backroom keeps money"):
        meaning("etsy", fixture("etsy", "receipt") | {"grandtotal": grand})
