"""The month behind the demo: every order comes in as a message and is worked by the same services as today's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from config.demo import payloads, staff, world
from config.demo.catalogue import products
from config.demo.clock import SetClock
from core import outbox
from integrations import inbox
from integrations.models import Connection, InboundMessage
from orders.models import Order

FIRST_NUMBER = 4001
A_DAY = 8  # orders at scale 1; the last hours' are left open


def make(
    connections: dict[str, Connection], *, now: datetime, days: int, scale: float, say: Callable[[str], None]
) -> None:
    """Thirty days of orders, oldest first; what was placed in the last hours is left for people to work on.

    Goes on after the newest order there is: an interrupted run is finished by the next one, and days during which the
    demo stood still are filled up.
    """
    catalogue = list(products())
    number, newest = _reached(connections)
    per_day = max(1, round(A_DAY * scale))
    made = 0
    for ago in range(days, -1, -1):
        day = (now - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        for placed in sorted(_moments(Random(f"moments of {day:%F}"), day, per_day)):
            if placed >= now or (newest and placed <= newest):
                continue
            number, made = number + 1, made + 1
            random = Random(f"order {number}")
            connection = connections["web-uk" if random.random() < 0.75 else "web-eu"]
            _live(random, connection, number, placed, now, catalogue)
        if ago % 10 == 0 and made:
            say(f"{made:,} orders up to {ago} days ago")
    if not made:
        say("Orders exist already up to today; history is left alone")


def _reached(connections: dict[str, Connection]) -> tuple[int, datetime | None]:
    """The last order number in use and when the newest order was placed."""
    orders = Order.objects.filter(channel__in=[c.channel_id for c in connections.values() if c.channel_id])
    newest = orders.order_by("-placed_at").values_list("placed_at", flat=True).first()
    refs = orders.order_by("-id").values_list("channel_ref", flat=True)[:200]
    return max((int(ref) for ref in refs if ref.isdigit()), default=FIRST_NUMBER), newest


def _moments(random: Random, day: datetime, count: int) -> list[datetime]:
    """Times of a day as a shop sees them: few at night, most in the evening."""
    return [day + timedelta(hours=min(23.9, max(0.0, random.gauss(15.5, 4.5)))) for _ in range(count)]


def _live(random: Random, connection: Connection, number: int, placed: datetime, now: datetime, catalogue: Any) -> None:
    """One order from its message to its parcel, as far as it had got by `now`."""
    clock = SetClock(placed)
    with clock.in_force():
        body = payloads.order(
            random, number=number, at=placed, catalogue=catalogue, currency=world.channel_of(connection).currency,
            trouble=_trouble(random, now - placed),
        )  # fmt: skip
        deliver(connection, "orders/create", body)
        outbox.drain("default")
        order = Order.objects.filter(channel=connection.channel, channel_ref=str(number)).first()
        if order is None:
            return
        staff.work(order, clock, random, until=now)
        outbox.drain("default")


def _trouble(random: Random, age: timedelta) -> str:
    """Old trouble was settled long ago; only the last two days still have some."""
    if age > timedelta(days=2):
        return ""
    return random.choices(("", "unknown_sku", "no_address", "unpaid"), (90, 4, 3, 3))[0]


def deliver(connection: Connection, topic: str, body: dict[str, Any]) -> None:
    """Hand one message to the inbox and have it understood, as the webhook and the worker would."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    message_id, _ = inbox.accept(
        connection,
        external_id=f"{topic}:{body['id']}:{body['updated_at']}",
        headers=headers(topic, raw, connection.secret("webhook")),
        body=raw,
        topic=topic,
        verdict=InboundMessage.Verdict.GOOD,
    )
    inbox.process(message_id)


def headers(topic: str, raw: bytes, secret: str) -> dict[str, str]:
    """What Shopify sends along with a webhook."""
    digest = hashlib.sha256(raw).hexdigest()
    return {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
        "x-shopify-shop-domain": "harrow-vale.example",
        "x-shopify-hmac-sha256": base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode(),
    }
