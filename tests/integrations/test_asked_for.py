"""What a buyer asks for in words reaches the people who pack, whichever channel it came by; and documents of vendors
that are no orders: their errors, their older notifications."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.channels import registry, remarks
from integrations.channels.meaning import AskFor, PlaceOrder
from integrations.failures import Unreadable
from orders.canonical import IncomingOrder, totals_problem
from tests.integrations.test_stores import fixture

JSON = json.dumps


def placed(vendor: str, document: Any) -> IncomingOrder:
    (act,) = registry.get(vendor).understand("", JSON(document).encode()).acts
    assert isinstance(act, PlaceOrder)
    return act.order


def refused(vendor: str, body: bytes) -> str:
    with pytest.raises(Unreadable) as error:
        registry.get(vendor).understand("", body)
    return error.value.reason


def test_the_buyers_own_words_come_first_and_nothing_is_said_twice():
    said = [("Gift message", "Enjoy"), ("", "Ring twice"), ("Gift message", "Enjoy"), ("Engraving", "")]

    assert remarks.noted("Leave it at the door", said) == "Leave it at the door\nGift message: Enjoy\nRing twice"


def test_what_machines_and_advertisers_leave_is_not_for_people():
    left = [{"name": name, "value": "1"} for name in ("_preview", "utm_source", "fbclid", "gclid", "fbc")]
    left += [{"name": "Delivery day", "value": "Friday"}, {"name": "Parts", "value": {"a": 1}}, {"name": None}]

    assert list(remarks.named(left)) == [("Delivery day", "Friday")]
    assert list(remarks.named({"Engraving": "A & B\n", "Wrapped": True}, of="Ring")) == [
        ("Ring, Engraving", "A & B"), ("Ring, Wrapped", "yes"),
    ]  # fmt: skip
    assert remarks.ship_by(datetime(2026, 3, 1, 17, 30, tzinfo=UTC)) == ("Send by", "2026-03-01 17:30 UTC")
    assert remarks.ship_by(None) == ("Send by", "")


def test_shopify_brings_personalisation_attributes_and_the_buyers_purchase_number():
    document = fixture("shopify", "orders_create")
    document = document.get("order", document)
    document |= {"po_number": "PO-77", "note_attributes": [{"name": "Gift message", "value": "Happy birthday"}]}
    document["line_items"][0]["properties"] = [{"name": "Engraving", "value": "Anna"}, {"name": "_id", "value": "9"}]

    order = placed("shopify", document)

    title = document["line_items"][0]["title"]
    assert f"{title}, Engraving: Anna" in order.note.splitlines()
    assert "Gift message: Happy birthday" in order.note.splitlines()
    assert "_id" not in order.note
    assert order.po_number == "PO-77"


def test_shopifys_graphql_brings_the_same_and_the_tax_number():
    document = fixture("shopify", "graphql_order")
    inner = document["data"]["order"] if "data" in document else document
    inner |= {
        "poNumber": "PO-78", "customAttributes": [{"key": "Slot", "value": "Morning"}],
        "localizedFields": {"nodes": [{"title": "Codice fiscale", "value": "RSSMRA80A01H501U"}]},
    }  # fmt: skip

    order = placed("shopify", document)

    assert {"Slot: Morning", "Codice fiscale: RSSMRA80A01H501U"} <= set(order.note.splitlines())
    assert order.po_number == "PO-78"


@pytest.mark.parametrize(
    "topic",
    ["orders/risk_assessment_changed", "customer.tags_added", "fulfillment_holds/added", "tax_summaries/create",
     "reverse_deliveries/attach_deliverable", "company_contact_roles/assign", "audit_events/admin_api_activity"],
)  # fmt: skip
def test_whatever_else_shopify_documents_is_ignored_in_words(topic: str):
    assert registry.get("shopify").understand(topic, b'{"id": 1}').ignored


def test_woocommerce_brings_what_was_chosen_and_the_vat_number():
    document = fixture("woocommerce", "order")
    document["meta_data"] = [{"key": "_billing_vat_number", "value": "DE123456789"}]
    line = document["line_items"][0]
    line["meta_data"] = [
        {"key": "pa_size", "value": "l", "display_key": "Size", "display_value": "L"},
        {"key": "_reduced_stock", "value": "2", "display_key": "_reduced_stock", "display_value": "2"},
        {"key": "Parts", "value": {"a": 1}, "display_key": "Parts", "display_value": {"a": 1}},
    ]

    words = placed("woocommerce", document).note.splitlines()

    assert f"{line['name']}, Size: L" in words
    assert "VAT number: DE123456789" in words
    assert not [each for each in words if "stock" in each or "Parts" in each]


def woo(**more: Any) -> dict[str, Any]:
    line = {
        "id": 1,
        "name": "Cap",
        "sku": "CAP",
        "quantity": 2,
        "subtotal": "20.00",
        "total": "20.00",
        "total_tax": "0",
    }
    return {
        "id": 9, "number": "9", "order_key": "wc_1", "status": "processing", "currency": "EUR", "total": "20.00",
        "total_tax": "0.00", "discount_total": "0.00", "shipping_total": "0.00", "shipping_tax": "0.00",
        "date_created_gmt": "2026-03-01T10:00:00", "line_items": [line], **more,
    }  # fmt: skip


def test_a_woocommerce_row_raised_above_its_price_adds_up():
    document = woo(total="30.00", discount_total="-10.00")
    document["line_items"][0]["total"] = "30.00"

    order = placed("woocommerce", document)

    assert totals_problem(order) == []
    assert order.discount_total == 0


def test_woocommerces_finer_decimals_add_up_to_the_cent():
    document = woo(total="40.00", total_tax="6.942149", discount_total="8.264463", prices_include_tax=True)
    document["line_items"][0] |= {"subtotal": "41.322314", "total": "33.057851", "total_tax": "6.942149"}

    order = placed("woocommerce", document)

    assert totals_problem(order) == []
    assert str(order.tax_total) == "6.9421"


def test_amazon_brings_gifts_wishes_tax_numbers_and_that_the_buyer_wants_out():
    document = fixture("amazon", "order_v0")
    order = document.get("payload", document)
    order |= {
        "LatestShipDate": "2026-03-02T18:29:59Z", "ShipServiceLevel": "Expedited",
        "BuyerInfo": {"BuyerTaxInfo": {"CompanyLegalName": "Asha Traders",
                                       "TaxClassifications": [{"Name": "GSTIN", "Value": "27AAAAA0000A1Z5"}]}},
    }  # fmt: skip
    order["OrderItems"][0] |= {
        "Title": "Mug", "BuyerRequestedCancel": {"IsBuyerRequestedCancel": "true", "BuyerCancelReason": "Cheaper"},
        "BuyerInfo": {"GiftMessageText": "For you", "BuyerCustomizedInfo": {"CustomizedURL": "https://x.example/1.zip"}},
    }  # fmt: skip

    words = placed("amazon", document).note.splitlines()

    assert words == [
        "Mug, the buyer asks to cancel: Cheaper", "Mug, gift message: For you",
        "Mug, customised: https://x.example/1.zip", "Send by: 2026-03-02 18:29 UTC", "Delivery: Expedited",
        "Company: Asha Traders", "GSTIN: 27AAAAA0000A1Z5",
    ]  # fmt: skip


def test_an_amazon_order_paid_on_delivery_is_not_called_paid():
    document = fixture("amazon", "order_v0")
    document.get("payload", document)["PaymentMethod"] = "COD"

    order = placed("amazon", document)

    assert order.payment_state == "unknown"
    assert "cash on delivery" in order.tags


def test_an_amazon_order_to_be_picked_up_waits_at_its_store():
    document = fixture("amazon", "order_v0")
    document.get("payload", document).update(IsISPU=True, StoreChainStoreId="STORE-7")

    order = placed("amazon", document)

    assert (order.method, order.pickup_location_code) == ("PICKUP", "STORE-7")


def test_ebay_brings_gifts_tax_numbers_and_that_the_buyer_wants_out():
    document = fixture("ebay", "order")
    order = document["orders"][0] if "orders" in document else document
    order["buyer"] |= {"taxIdentifier": {"taxpayerId": "RSSMRA80A01H501U", "taxIdentifierType": "CODICE_FISCALE"}}
    order["cancelStatus"] = {"cancelState": "IN_PROGRESS", "cancelRequests": [{"cancelReason": "WRONG_ADDRESS"}]}
    line = order["lineItems"][0]
    line["giftDetails"] = {"message": "Enjoy"}

    words = placed("ebay", document).note.splitlines()

    assert "Asked to be cancelled: WRONG_ADDRESS" in words
    assert f"{line['title']}, gift message: Enjoy" in words
    assert "CODICE_FISCALE: RSSMRA80A01H501U" in words


def test_etsys_personalisation_reads_as_the_buyer_wrote_it():
    document = fixture("etsy", "receipt")
    receipt = document["results"][0] if "results" in document else document
    receipt["transactions"][0] |= {
        "title": "Ring", "variations": [{"formatted_name": "Personalization", "formatted_value": "A &amp; B"}],
    }  # fmt: skip

    assert "Ring, Personalization: A & B" in placed("etsy", document).note.splitlines()


def test_squares_notes_and_times_come_along():
    document = fixture("square", "shipment")
    order = document.get("order", document)
    order["line_items"][0] |= {"name": "Latte", "note": "no sugar"}
    order["fulfillments"][0]["shipment_details"] |= {
        "shipping_note": "by the side door", "expected_shipped_at": "2026-03-03T12:00:00Z",
    }  # fmt: skip

    words = placed("square", document).note.splitlines()

    assert {"Latte: no sugar", "by the side door", "To be sent: 2026-03-03 12:00 UTC"} <= set(words)


def soap(event: str, inner: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<GetItemTransactionsResponse xmlns="urn:ebay:apis:eBLBaseComponents">'
        f"<NotificationEventName>{event}</NotificationEventName>{inner}</GetItemTransactionsResponse></s:Body></s:Envelope>"
    ).encode()


def test_ebays_older_notifications_name_the_order_that_is_asked_for():
    order = "<TransactionArray><Transaction><ContainingOrder><OrderID>20-13830-48048</OrderID></ContainingOrder>"
    told = registry.get("ebay").understand
    body = soap("AuctionCheckoutComplete", f"{order}</Transaction></TransactionArray>")

    assert told("", body).acts == (AskFor("order", "20-13830-48048"),)
    assert "names no order yet" in told("", soap("FixedPriceTransaction")).ignored
    assert "messages of buyers" in told("", soap("MyMessagesM2MMessage")).ignored
    assert "NotificationEventName: is a notification Backroom has no word for: 'Invented'" in refused(
        "ebay", soap("Invented")
    )
    assert "no whole XML document" in refused("ebay", body[:-30])
    assert "declares a document type" in refused("ebay", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    assert "unknown encoding" in refused("ebay", b'<?xml version="1.0" encoding="U0F-8"?><x/>')
    assert "no Platform Notification" in refused("ebay", b"<html><body>Sign in</body></html>")


@pytest.mark.parametrize(
    "vendor, answer, words",
    [
        ("shopify", {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}, "Throttled"),
        ("shopify", {"errors": "[API] Invalid API key"}, "[API] Invalid API key"),
        (
            "amazon",
            {"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota."}]},
            "exceeded your quota",
        ),
        ("ebay", {"errors": [{"errorId": 32100, "longMessage": "Invalid order ID: 12"}]}, "Invalid order ID: 12"),
        ("etsy", {"error": "Resource not found"}, "Resource not found"),
        ("walmart", {"error": [{"code": "UNAUTHORIZED", "description": "Unauthorized token"}]}, "Unauthorized token"),
        ("mirakl", {"status": 401, "message": "Unauthorized"}, "Unauthorized"),
    ],
)
def test_an_error_a_vendor_answered_with_is_repeated(vendor: str, answer: dict[str, Any], words: str):
    reason = refused(vendor, JSON(answer).encode())

    assert "it is an error" in reason
    assert words in reason
