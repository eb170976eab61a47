"""What shops and marketplaces send beside their usual forms: topics, businesses, the legacy API, fields of their own."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from core.errors import Permanent
from integrations.channels.amazon import translate as amazon
from integrations.channels.amazon import webhooks
from integrations.channels.magento import translate as magento
from integrations.channels.meaning import AskFor, PlaceOrder, RecordRefund
from integrations.channels.shopify import graphql, rest
from integrations.channels.shopify.terms import Terms
from integrations.channels.vendure import client
from integrations.channels.vendure import translate as vendure
from integrations.channels.woocommerce import translate as woocommerce
from integrations.failures import Unreadable
from integrations.models import Connection
from integrations.reading import Faults, Node
from orders.canonical import IncomingOrder, totals_problem
from tests.integrations.conftest import ROOT
from tests.integrations.test_translate import order as shopify_order
from tests.integrations.test_translate import read

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
NOTICE = {
    "NotificationType": "ORDER_CHANGE", "NotificationMetadata": {"NotificationId": "n-1"},
    "Payload": {"OrderChangeNotification": {"AmazonOrderId": "026-1-1", "Summary": {"OrderStatus": "Unshipped"}}},
}  # fmt: skip


# --- Amazon through SNS


@pytest.fixture(scope="module")
def signer() -> tuple[rsa.RSAPrivateKey, str]:
    """A key and its certificate, as SNS has them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=30))
    return key, made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def posted(key: rsa.RSAPrivateKey, **changes: str) -> bytes:
    envelope = {
        "Type": "Notification", "MessageId": "m-1", "TopicArn": TOPIC, "Message": json.dumps(NOTICE),
        "Timestamp": "2026-03-02T08:59:59.000Z", "SignatureVersion": "2",
    } | changes  # fmt: skip
    said = "".join(f"{name}\n{envelope[name]}\n" for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
    signature = key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.dumps(envelope | {"Signature": base64.b64encode(signature).decode()}).encode()


def test_what_a_topic_posts_counts_by_its_certificate_and_its_name(signer: tuple[rsa.RSAPrivateKey, str]):
    key, certificate = signer
    known = [f"{TOPIC} {certificate}"]
    body = posted(key)

    assert webhooks.verify(body, {}, known, NOW)
    assert not webhooks.verify(body.replace(b"026-1-1", b"026-1-2"), {}, known, NOW)
    assert not webhooks.verify(posted(key, TopicArn=f"{TOPIC}-of-somebody"), {}, known, NOW)
    assert not webhooks.verify(posted(key, SignatureVersion="1"), {}, known, NOW)
    assert not webhooks.verify(body, {}, known, NOW + timedelta(days=31))
    assert not webhooks.verify(body, {}, ["shared", f"{TOPIC} no certificate"], NOW)
    assert not webhooks.verify(b'{"Type": "Notification"', {}, known, NOW)
    assert not webhooks.verify(body, {"x-backroom-token": "guess"}, known, NOW)


def test_a_notification_of_a_topic_means_what_it_means_alone_and_counts_once(signer: tuple[rsa.RSAPrivateKey, str]):
    wrapped, alone = posted(signer[0]), json.dumps(NOTICE).encode()

    assert amazon.understand("", wrapped).acts == amazon.understand("", alone).acts == (AskFor("order", "026-1-1"),)
    assert webhooks.delivery(wrapped, {}) == webhooks.delivery(alone, {})
    asked = posted(signer[0], Type="SubscriptionConfirmation", Message="You have chosen …")
    assert "SubscribeURL" in amazon.understand("", asked).ignored
    assert webhooks.delivery(asked, {}).external_id == "sns:m-1"
    for message in ("hello", "[1]", wrapped.decode()):
        with pytest.raises(Unreadable):
            amazon.understand("", posted(signer[0], Message=message))


# --- Shopify's businesses and collected orders


def shopify(change: dict[str, Any], terms: Terms) -> IncomingOrder:
    return rest.order(Node(read("orders_create") | change, "", Faults()), terms)


def test_an_order_of_a_company_is_on_its_account_with_its_terms():
    net = {"payment_terms_type": "net", "due_in_days": 30, "payment_terms_name": "Net 30"}
    company = {"company": {"id": 4001, "location_id": 5001}}

    found = shopify(company | {"payment_terms": net}, Terms())
    named = shopify(company | {"payment_terms": net | {"payment_terms_type": "fixed"}}, Terms({"4001": "HARBOUR"}))
    private = shopify({"payment_terms": net}, Terms())

    assert (found.account, found.payment_terms) == ("4001", "NET30")
    assert (named.account, named.payment_terms) == ("HARBOUR", "")
    assert (private.account, private.payment_terms) == ("", "")


def test_an_order_is_collected_where_its_way_of_delivery_is_known_to_be_a_pickup():
    way = read("orders_create")["shipping_lines"][0] | {"code": "Harbour shop", "title": "Harbour shop"}
    terms = Terms(pickups={"harbour shop": "HARBOUR"})

    def place(*ways: dict[str, Any], terms: Terms = terms) -> tuple[str, str | None]:
        found = shopify({"shipping_lines": list(ways), "total_shipping_price_set": None}, terms)
        return found.method, found.pickup_location_code

    assert place(way) == ("PICKUP", "HARBOUR")
    assert place(way, terms=Terms()) == ("SHIP", None)
    assert place(way | {"delivery_category": "pickup"}, terms=Terms()) == ("PICKUP", "Harbour shop")
    assert place(way, way | {"id": 2, "code": "DPD", "title": "Parcel"}) == ("SHIP", None)


@pytest.mark.parametrize(
    ("methods", "told"),
    [(["PICK_UP"], ("PICKUP", "71")), (["PICK_UP", "SHIPPING"], ("SHIP", None)), (["LOCAL"], ("SHIP", None))],
)
def test_fulfilment_orders_say_what_is_collected(methods: list[str], told: tuple[str, str | None]):
    document = read("graphql_order")
    document = document.get("data", document)
    document = document.get("order", document)
    place = {"location": {"id": "gid://shopify/Location/71"}}
    document["fulfillmentOrders"] = [
        {"id": f"gid://shopify/FulfillmentOrder/{n}", "status": "OPEN", "deliveryMethod": {"methodType": method},
         "assignedLocation": place}
        for n, method in enumerate(methods)
    ]  # fmt: skip
    document["purchasingEntity"] = {"company": {"id": "gid://shopify/Company/9"}}
    document["paymentTerms"] = {"paymentTermsType": "NET", "dueInDays": 14}

    found = shopify_order(document)

    assert (found.method, found.pickup_location_code) == told
    assert (found.account, found.payment_terms) == ("9", "NET14")
    assert graphql.gid_type(document["id"]) == "Order"


# --- WooCommerce's legacy API

LEGACY: dict[str, Any] = {
    "id": 645, "order_number": "645-A", "order_key": "wc_order_x", "created_at": "2026-03-02T08:00:00Z",
    "updated_at": "2026-03-02T08:05:00Z", "completed_at": "1970-01-01T00:00:00Z", "status": "processing",
    "currency": "GBP", "total": "58.80", "subtotal": "45.00", "total_line_items_quantity": 3, "total_tax": "9.80",
    "total_shipping": "5.00", "cart_tax": "8.80", "shipping_tax": "1.00", "total_discount": "4.00",
    "shipping_methods": "Flat rate", "payment_details": {"method_id": "bacs", "method_title": "Bank", "paid": True},
    "billing_address": {"first_name": "Ada", "last_name": "Okoro", "company": "", "address_1": "4 Kiln Lane",
                        "address_2": "", "city": "Leeds", "state": "", "postcode": "LS1 4AB", "country": "GB",
                        "email": "ada@example.com", "phone": "0113 496 0000"},
    "shipping_address": {"first_name": "Ada", "last_name": "Okoro", "company": "", "address_1": "4 Kiln Lane",
                         "address_2": "", "city": "Leeds", "state": "", "postcode": "LS1 4AB", "country": "GB"},
    "note": "Ring twice", "customer_id": 19, "customer": {"id": 19, "email": "ada@example.com"},
    "line_items": [
        {"id": 11, "subtotal": "30.00", "subtotal_tax": "6.00", "total": "28.00", "total_tax": "5.60", "price": "14.00",
         "quantity": 2, "tax_class": "", "name": "Mug", "product_id": 51, "sku": "MUG-1",
         "meta": [{"key": "pa_colour", "label": "Colour", "value": "Blue"}]},
        {"id": 12, "subtotal": "15.00", "subtotal_tax": "3.00", "total": "13.00", "total_tax": "2.60", "price": "13.00",
         "quantity": 1, "tax_class": "", "name": "Bowl", "product_id": 52, "sku": "BOWL-1", "meta": []},
    ],
    "shipping_lines": [{"id": 13, "method_id": "flat_rate", "method_title": "Flat rate", "total": "5.00"}],
    "tax_lines": [{"id": 14, "rate_id": "1", "code": "GB-VAT", "title": "VAT", "total": "9.80", "compound": False}],
    "fee_lines": [{"id": 15, "title": "Wrapping", "tax_class": "", "total": "3.00", "total_tax": "0.60"}],
    "coupon_lines": [{"id": 16, "code": "four", "amount": "4.00"}],
}  # fmt: skip


def woo(document: Any) -> Any:
    return woocommerce.understand("", json.dumps(document).encode())


def test_an_order_of_the_legacy_api_adds_up_and_keeps_its_words():
    (act,) = woo({"order": LEGACY}).acts
    assert isinstance(act, PlaceOrder)
    found = act.order

    assert totals_problem(found) == []
    assert (found.number, found.total, found.tax_total) == ("645-A", Decimal("58.80"), Decimal("9.20"))
    assert (found.shipping_total, found.discount_total, found.other_total) == (Decimal(5), Decimal(4), Decimal("3.60"))
    assert found.placed_at.isoformat() == "2026-03-02T08:00:00+00:00"
    assert (found.payment_state, found.payments) == ("paid", ())
    assert [(line.ref, line.sku, line.fulfilled_elsewhere) for line in found.lines] == [
        ("11", "MUG-1", 0), ("12", "BOWL-1", 0),
    ]  # fmt: skip
    assert found.ship_to is not None
    assert (found.ship_to.city, "Blue" in found.note, "Ring twice" in found.note) == ("Leeds", True, True)


def test_a_list_of_the_legacy_api_is_orders_and_its_wounds_are_named():
    assert len(woo({"orders": [LEGACY, LEGACY | {"id": 646}]}).acts) == 2
    for change, path in (
        ({"total": "58,80"}, "total"), ({"status": "waiting-for-moon"}, "status"), ({"created_at": None}, "date_created"),
    ):  # fmt: skip
        with pytest.raises(Unreadable) as caught:
            woo({"order": LEGACY | change})
        assert any(path in fault.path for fault in caught.value.faults), caught.value.reason


def test_a_refund_of_the_legacy_api_names_its_lines():
    lines = [{"id": 21, "refunded_item_id": 11, "quantity": 1, "total": "-14.00", "total_tax": "-2.80", "meta": []}]
    told = {"id": 801, "created_at": "2026-03-03T08:00:00Z", "amount": "16.80", "reason": "Broken", "line_items": lines}
    told |= {"parent_id": 645}

    (act,) = woocommerce._understand(
        "", json.dumps({"order_refund": told}).encode(), woocommerce.Terms(currency="GBP")
    ).acts

    assert isinstance(act, RecordRefund)
    assert (act.refund.order_ref, act.refund.amount, act.refund.lines[0].line_ref) == ("645", Decimal("16.80"), "11")


# --- Fields of a shop's own at Vendure, fixed product taxes at Magento


def stored(vendor: str, name: str = "order") -> dict[str, Any]:
    return json.loads((ROOT / "integrations" / "channels" / vendor / "fixtures" / f"{name}.json").read_text())


def test_vendures_ids_may_be_words_and_its_own_fields_stand_in_the_note():
    document = stored("vendure")
    order = document["order"] if "order" in document else document["data"]["order"]
    number = "3f6c2d1e-0a4b-4c1d-9d3e-2b1a0c9f8e7d"
    order |= {"id": number, "customFields": {"giftMessage": "For Ada", "_internal": "x", "empty": None}}
    order["lines"][0]["customFields"] = {"engraving": "A. O."}

    (act,) = vendure.understand("", json.dumps(document).encode()).acts

    assert isinstance(act, PlaceOrder)
    assert act.order.channel_ref == number
    assert "giftMessage: For Ada" in act.order.note
    assert "engraving: A. O." in act.order.note
    assert "internal" not in act.order.note


def test_only_names_of_fields_are_asked_for_at_vendure():
    shop = Connection(name="Shop", settings={"custom_fields": {"order": ["giftMessage"], "line": ["engraving"]}})

    asked = client._asking(client._ONE, shop)

    assert "customFields { giftMessage } id code state" in asked
    assert "lines { customFields { engraving } id" in asked
    assert "customFields" not in client._asking(client._CHANGED, Connection(name="Shop"))
    with pytest.raises(Permanent, match="no field's name"):
        client._asking(client._ONE, Connection(name="Shop", settings={"custom_fields": {"order": ["a } me { id"]}}))


@pytest.mark.parametrize(("taxed", "other"), [(False, "2.50"), (True, "3.00")])
def test_fixed_product_taxes_are_other_charges_with_their_tax(taxed: bool, other: str):
    document = stored("magento")
    plain = magento_order(document)
    row = document["items"][0]
    row["weee_tax_applied_row_amount"] = 2.5
    row["weee_tax_applied"] = json.dumps(
        [{"title": "Waste", "row_amount": 2.5, "row_amount_incl_tax": 3.0 if taxed else 2.5}]
    )
    more = Decimal("3.00") if taxed else Decimal("2.50")
    document["grand_total"] = float(Decimal(str(document["grand_total"])) + more)
    document["tax_amount"] = float(Decimal(str(document["tax_amount"])) + more - Decimal("2.50"))

    found = magento_order(document)

    assert totals_problem(found) == totals_problem(plain) == []
    assert (found.other_total or 0) - (plain.other_total or 0) == Decimal(other)
    row["weee_tax_applied"] = "[{"
    with pytest.raises(Unreadable, match="written as JSON"):
        magento_order(document)


def magento_order(document: dict[str, Any]) -> IncomingOrder:
    (act,) = magento.understand("", json.dumps(document).encode()).acts
    assert isinstance(act, PlaceOrder)
    return act.order
