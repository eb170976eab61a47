"""Notifications of marketplaces: only what they signed is kept, once, and their address is proven to be ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from integrations import signatures
from integrations.models import Connection, InboundMessage
from tests.integrations.markets import EBAY, calling
from tests.integrations.test_stores import connect

pytestmark = pytest.mark.django_db
KEY = ec.generate_private_key(ec.SECP256R1())
SECRET = "a-secret-for-tests"


def public_key() -> str:
    """In one line, as getPublicKey gives it."""
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "kid-1 " + pem.decode().replace("\n", "")


def ebay(body: bytes, key: ec.EllipticCurvePrivateKey = KEY, name: str = "kid-1") -> dict[str, str]:
    signature = base64.b64encode(key.sign(body, ec.ECDSA(hashes.SHA1()))).decode()
    told = {"alg": "ecdsa", "kid": name, "signature": signature, "digest": "SHA1"}
    return {"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(told).encode()).decode()}


def etsy(body: bytes, secret: str = SECRET) -> dict[str, str]:
    at = str(int(timezone.now().timestamp()))
    signature = signatures.sign_standard(body, message_id="msg_1", timestamp=at, secrets=[secret])
    return {"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": signature}


def tiktok(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": hmac.new(secret.encode(), b"app" + body, hashlib.sha256).hexdigest()}


def walmart(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"X-Backroom-Signature": base64.b64encode(digest).decode()}


def amazon(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Backroom-Token": secret}


NOTICES: list[tuple[str, str, Any, Any, Any]] = [
    ("amazon", SECRET, amazon, {"detail-type": "ORDER_CHANGE", "detail": {
        "NotificationType": "ORDER_CHANGE", "NotificationMetadata": {"NotificationId": "n-1"},
        "Payload": {"OrderChangeNotification": {"AmazonOrderId": "113-1", "Summary": {"OrderStatus": "Unshipped"}}}}},
     "other"),
    ("ebay", "", ebay, {"metadata": {"topic": "ORDER_CONFIRMATION"},
                        "notification": {"notificationId": "n-1", "data": {"orderId": "1-2"}}},
     ec.generate_private_key(ec.SECP256R1())),
    ("etsy", SECRET, etsy, {"event_type": "order.paid", "shop_id": 1, "resource_url": "https://x/shops/1/receipts/77"},
     "other"),
    ("tiktok", f"app:{SECRET}", tiktok, {"type": 1, "shop_id": "9", "tts_notification_id": "n-1",
                                         "data": {"order_id": "5764", "order_status": "AWAITING_SHIPMENT"}}, "other"),
    ("walmart", SECRET, walmart, {"source": {"eventType": "PO_CREATED"}, "payload": {"purchaseOrderId": "179"}},
     "other"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "secret", "headers", "notice", "stranger"), NOTICES, ids=[each[0] for each in NOTICES]
)
def test_a_notice_is_kept_once_and_only_when_its_vendor_signed_it(
    client: Client, vendor: str, secret: str, headers: Any, notice: Any, stranger: Any
):
    connection = connect(vendor)
    body = json.dumps(notice).encode()

    def post(**sent: Any) -> int:
        given = {"content_type": "application/json", "data": body, **sent}
        return client.post(f"/hooks/{connection.pk}/", **given).status_code

    assert post(headers=headers(body)) == 401  # nobody has said yet what it signs with
    connection.keep_secret("webhook", secret or public_key())

    assert [post(), post(headers=headers(body, stranger)), post(headers=dict.fromkeys(headers(body), "x"))] == [401] * 3
    if vendor != "amazon":  # whose token is no signature of the body
        assert post(headers=headers(body), data=body + b" ") == 401
    assert not InboundMessage.objects.exists()
    assert [post(headers=headers(body)), post(headers=headers(body))] == [202, 200]
    assert InboundMessage.objects.get().connection == connection


def test_ebay_is_shown_that_the_address_is_ours(client: Client):
    connection = connect("ebay", webhook_address="https://backroom.example/hooks/our-ebay/")
    connection.keep_secret("verification_token", "token-71")
    path = f"/hooks/{connection.pk}/"

    told = client.get(path, {"challenge_code": "a8628"}).json()

    expected = hashlib.sha256(b"a8628token-71https://backroom.example/hooks/our-ebay/").hexdigest()
    assert told == {"challengeResponse": expected}
    assert client.get(path).status_code == 400
    Connection.objects.update(vendor="etsy")
    assert client.get(path, {"challenge_code": "a8628"}).status_code == 405


def test_a_key_of_ebay_s_that_nobody_knows_yet_is_learnt_from_ebay_alone(client: Client):
    body = json.dumps({"metadata": {"topic": "FEEDBACK_LEFT"}, "notification": {"notificationId": "n-2"}}).encode()
    stranger = ec.generate_private_key(ec.SECP256R1())
    with calling(EBAY) as called:
        called.market.keys["kid-1"] = public_key().partition(" ")[2]

        def post(headers: dict[str, str]) -> int:
            given = {"content_type": "application/json", "data": body, "headers": headers}
            return client.post(f"/hooks/{called.connection.pk}/", **given).status_code

        assert post(ebay(body, name="kid-9")) == 401
        called.read("keys")
        assert post(ebay(body)) == 401
        called.read("keys")

        assert [post(ebay(body, stranger)), post(ebay(body))] == [401, 202]
        assert [each.partition(" ")[0] for each in called.connection.secrets_named("webhook")] == ["kid-1"]
