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
from integrations.channels.lightspeed import translate as lightspeed
from integrations.channels.magento import translate as magento
from integrations.channels.meaning import AskFor, PlaceOrder, RecordRefund
from integrations.channels.shopify import graphql, rest
from integrations.channels.shopify.terms import Terms
from integrations.channels.tiktok import translate as tiktok
from integrations.channels.unicommerce import translate as unicommerce
from integrations.channels.vendure import client
from integrations.channels.vendure import translate as vendure
from integrations.channels.walmart import translate as walmart
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


def stored(vendor: str, name: str = "order") -> dict[str, Any]:
    return json.loads((ROOT / "integrations" / "channels" / vendor / "fixtures" / f"{name}.json").read_text())


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
    for broken in (b'{"Type": "Notification"', b'{"Type": {"a": 1}, "TopicArn": []}', b"[" * 100_000, b"[1]", b"\xff"):
        assert not webhooks.verify(broken, {}, known, NOW)
        assert webhooks.delivery(broken, {}).external_id.startswith("sha256:")
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

LEGACY: dict[str, Any] = stored("woocommerce", "legacy_order")["order"]


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


def test_magentos_own_word_for_a_state_is_not_guessed_from_the_shops():
    with pytest.raises(Unreadable, match="state"):
        magento_order(stored("magento") | {"state": "dreaming", "status": "processing"})
    assert magento_order(stored("magento") | {"state": None, "status": "processing"}).status == "open"


def magento_order(document: dict[str, Any]) -> IncomingOrder:
    (act,) = magento.understand("", json.dumps(document).encode()).acts
    assert isinstance(act, PlaceOrder)
    return act.order


# --- Walmart's XML, TikTok's events, sales deleted at Lightspeed, what Unicommerce's warehouse is doing


XML = (ROOT / "integrations" / "channels" / "walmart" / "fixtures" / "orders.xml").read_text()


def test_an_order_of_walmart_in_xml_means_what_it_means_in_json():
    (act,) = walmart.understand("", XML.encode()).acts

    assert isinstance(act, PlaceOrder)
    found = act.order
    assert totals_problem(found) == []
    assert (found.channel_ref, found.number, found.total) == ("2575000000001", "4091000000001", Decimal("26.87"))
    assert found.placed_at.isoformat() == "2026-03-02T08:00:00+00:00"
    assert [(line.sku, line.title, line.quantity) for line in found.lines] == [("MUG-1", "Mug & lid", 2)]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("</n3:list>", "", "it is no XML"),
        ("<n3:list", "<!DOCTYPE a [<!ENTITY b 'c'>]><n3:list", "declares a document type"),
        ("<n3:orderDate>2026-03-02T08:00:00.000Z", "<n3:orderDate>yesterday", "orderDate: should be milliseconds"),
        ("<n3:status>Created", "<n3:status>Dreaming", "Dreaming"),
        ("<n3:sku>", "<n3:sku>A</n3:sku><n3:sku>", "says sku twice"),
        ("25.00", "25,00", "amount"),
        ("</n3:list>", "<a>" * 9000 + "</a>" * 9000 + "</n3:list>", "nested too deeply"),
    ],
    ids=["cut", "with a type", "no time", "no status", "twice", "comma", "deep"],
)
def test_a_wound_in_walmarts_xml_is_said_by_name(old: str, new: str, reason: str):
    assert old in XML
    with pytest.raises(Unreadable) as caught:
        walmart.understand("", XML.replace(old, new, 1).encode())
    assert reason in caught.value.reason


def test_every_event_of_tiktok_shop_is_read_or_left_alone_with_a_reason():
    def told(kind: int) -> Any:
        event = {"type": kind, "tts_notification_id": "7", "timestamp": 1644412885, "data": {"order_id": "576"}}
        return tiktok.understand("", json.dumps(event).encode())

    assert all(told(kind).acts == (AskFor("order", "576"),) for kind in (1, 3, 4, 11))
    assert all(told(kind).ignored for kind in (2, 5, 12, 21, 24, 27, 36, 39, 58, 64, 67, 68))
    with pytest.raises(Unreadable, match="no word for: 99"):
        told(99)


def test_a_sale_deleted_at_lightspeed_is_a_cancelled_one_newer_than_before():
    sale = stored("lightspeed", "x_sale")["register_sale"]

    def read_again(**more: Any) -> IncomingOrder:
        document = {"register_sale": sale | more}
        act = lightspeed._understand(json.dumps(document).encode(), lightspeed.Terms(currency="GBP")).acts[0]
        assert isinstance(act, PlaceOrder)
        return act.order

    known, deleted = read_again(deleted_at=None), read_again(deleted_at="2031-01-01T00:00:00+00:00")

    assert (known.status, deleted.status) == ("open", "cancelled")
    assert deleted.version > known.version


def test_units_unicommerce_is_picking_have_not_left():
    order = stored("unicommerce")
    held = order.get("saleOrderDTO", order)
    for word in ("PICKING_FOR_INVOICING", "PICKING_FOR_STAGING", "STAGED"):
        held["saleOrderItems"][0]["statusCode"] = word
        (act,) = unicommerce.understand("", json.dumps(order).encode()).acts
        assert isinstance(act, PlaceOrder)
        assert (act.order.lines[0].fulfilled_elsewhere, act.order.lines[0].cancelled_quantity) == (0, 0)
