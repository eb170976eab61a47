"""POST /hooks/<connection>/: what it answers, and what it keeps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import inbox
from integrations.models import Connection, InboundMessage
from orders.models import Order
from tests.integrations.conftest import FIXTURES, SECRET

pytestmark = pytest.mark.django_db
BODY = (FIXTURES / "orders_create.json").read_bytes()


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def post(to: Connection, body: bytes = BODY, **headers: str) -> Any:
    given = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": "delivery-1",
        "X-Shopify-Hmac-SHA256": signed(body),
        **headers,
    }
    return Client(enforce_csrf_checks=True).post(
        f"/hooks/{to.pk}/", body, content_type="application/json", headers=given
    )


def test_a_signed_delivery_is_kept_byte_for_byte_and_answered_before_it_is_understood(shop: Connection):
    answer = post(shop)

    assert answer.status_code == 202
    message = InboundMessage.objects.get()
    assert bytes(message.body) == BODY
    assert (message.status, message.topic, message.external_id) == ("RECEIVED", "orders/create", "delivery-1")
    assert message.headers["x-shopify-hmac-sha256"] == "[hidden]"
    assert not Order.objects.exists()


def test_a_secret_is_accepted_until_it_expires_and_no_longer(shop: Connection):
    old = shop.sealed_secrets.get()
    shop.keep_secret("webhook", "the-new-secret")
    old.expires_at = timezone.now() + timedelta(minutes=5)
    old.save()
    assert post(shop).status_code == 202

    old.expires_at = timezone.now() - timedelta(minutes=1)
    old.save()

    assert post(shop, **{"X-Shopify-Webhook-Id": "delivery-2"}).status_code == 401
    signature = {"X-Shopify-Hmac-SHA256": signed(BODY, "the-new-secret"), "X-Shopify-Webhook-Id": "delivery-3"}
    assert post(shop, **signature).status_code == 202


def test_the_same_delivery_again_is_known(shop: Connection):
    first, second = post(shop), post(shop)

    assert (first.status_code, second.status_code) == (202, 200)
    assert InboundMessage.objects.get().copies == 1


def test_another_body_under_the_same_id_is_kept_too(shop: Connection):
    post(shop)
    other = post(shop, BODY + b" ")

    assert other.status_code == 202
    assert InboundMessage.objects.count() == 2


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64 !", signed(BODY, "another secret"), signed(BODY + b" ")])
def test_a_wrong_signature_is_refused_and_nothing_is_kept(shop: Connection, signature: str):
    answer = post(shop, **{"X-Shopify-Hmac-SHA256": signature})

    assert answer.status_code == 401
    assert not InboundMessage.objects.exists()
    shop.refresh_from_db()
    assert shop.refused_signatures == 1


def test_while_a_secret_is_rotated_both_sign(shop: Connection):
    shop.keep_secret("webhook", "the next one")

    assert post(shop, **{"X-Shopify-Hmac-SHA256": signed(BODY, "the next one")}).status_code == 202
    assert post(shop, BODY + b"\n").status_code == 202


def test_a_connection_without_a_secret_accepts_nothing(shop: Connection):
    shop.sealed_secrets.all().delete()

    assert post(shop, **{"X-Shopify-Hmac-SHA256": signed(BODY, "")}).status_code == 401


def test_too_much_is_413(shop: Connection):
    shop.settings = {"max_bytes": 100}
    shop.save()

    assert post(shop).status_code == 413
    assert not InboundMessage.objects.exists()


def test_unknown_and_disabled_hooks_are_404_and_paused_ones_keep(shop: Connection):
    Connection.objects.filter(pk=shop.pk).update(status="DISABLED")
    assert post(shop).status_code == 404

    Connection.objects.filter(pk=shop.pk).update(status="PAUSED")
    assert post(shop).status_code == 202
    assert inbox.process(InboundMessage.objects.get().pk).status == "RECEIVED"


def test_a_database_that_is_down_asks_to_come_again(shop: Connection):
    with mock.patch.object(inbox, "accept", side_effect=OperationalError("down")):
        answer = post(shop)

    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_only_post_is_taken(shop: Connection):
    assert Client().get(f"/hooks/{shop.pk}/").status_code == 405


def test_signed_but_unparsable_is_kept_and_becomes_a_case(shop: Connection):
    answer = post(shop, BODY[:500])

    assert answer.status_code == 202
    outcome = inbox.process(InboundMessage.objects.get().pk)
    assert (outcome.status, outcome.failure_class) == ("FAILED", "unparsable")
    assert not Order.objects.exists()


def test_it_costs_two_queries(shop: Connection):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        post(shop)

    assert len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 2, [q["sql"][:80] for q in queries]


# --- A vendor that signs the time


def standard(channel: Any) -> Connection:
    made = Connection.objects.create(code="own", name="Own shop", kind="CHANNEL", vendor="standard", channel=channel)
    made.keep_secret("webhook", "whsec_" + base64.b64encode(b"k" * 24).decode())
    return made


def standard_post(to: Connection, body: bytes, at: float, said: float | None = None) -> Any:
    key = b"k" * 24
    mac = hmac.new(key, f"msg_1.{int(at)}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(said if said is not None else at)),
        "webhook-signature": "v1,AAAA v1," + base64.b64encode(mac).decode(),
    }
    return Client().post(f"/hooks/{to.pk}/", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(("minutes", "status"), [(0, 202), (4, 202), (-4, 202), (10, 401), (-10, 401)])
def test_a_signed_time_must_be_near(channel: Any, minutes: int, status: int):
    body = json.dumps({"channel_ref": "A1"}).encode()

    assert standard_post(standard(channel), body, time.time() + 60 * minutes).status_code == status


def test_a_signed_time_cant_be_changed(channel: Any):
    old = time.time() - 600

    assert standard_post(standard(channel), b"{}", old, said=time.time()).status_code == 401


def test_canonical_orders_come_in_by_standard_webhooks(channel: Any):
    body = {
        "channel_ref": "A1", "placed_at": "2026-09-14T10:00:00Z", "currency": "GBP", "version": 1, "total": "10.00",
        "payment_state": "paid",
        "lines": [{"ref": "1", "sku": "MUG", "quantity": 2, "unit_price": "5.00"}],
    }  # fmt: skip

    standard_post(standard(channel), json.dumps(body).encode(), time.time())

    assert inbox.process(InboundMessage.objects.get().pk).status == "PROCESSED"
    assert Order.objects.get().channel_ref == "A1"
