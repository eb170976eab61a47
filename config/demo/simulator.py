"""The demo's outside world: customers who order at a human pace, staff who work, and now and then trouble.

Everything arrives over HTTP as a vendor would send it, signed; nothing here calls a service that a webhook should.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import httpx2
from django.utils import timezone

from config.demo import payloads, shop, staff, world
from config.demo.catalogue import products
from config.demo.history import headers
from integrations.models import Connection
from orders.models import Order

# What happens next, by weight. Most of life is quiet.
ACTS = (("order", 46), ("work", 38), ("unknown_sku", 2), ("no_address", 2), ("unpaid", 2), ("truncated", 1),
        ("duplicate", 3), ("out_of_order", 2), ("settle", 3), ("cancel", 1))  # fmt: skip


@dataclass(slots=True)
class World:
    """One run: who is connected, what was sent lately, and what still needs a second message."""

    url: str
    connections: dict[str, Connection]
    random: Random
    number: int
    catalogue: list[Any] = field(default_factory=lambda: list(products()))
    sent: deque[tuple[Connection, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=40))
    troubled: deque[tuple[Connection, dict[str, Any], str]] = field(default_factory=lambda: deque(maxlen=40))


def run(url: str, *, pace: float, say: Callable[[str], None], acts: int | None = None) -> None:
    """Act every `pace` seconds on average until stopped (or `acts` times). Survives a portal that restarts."""
    last = Order.objects.order_by("-id").values_list("channel_ref", flat=True)
    number = max([int(ref) for ref in last[:200] if ref.isdigit()], default=5000) + 1000
    scene = World(url.rstrip("/"), world.connections(), Random(), number)
    names, weights = zip(*ACTS, strict=True)
    done = 0
    with httpx2.Client(timeout=10) as client:
        while acts is None or done < acts:
            act = scene.random.choices(names, weights)[0]
            try:
                words = _act(act, scene, client)
            except httpx2.HTTPError as error:
                words = f"the portal doesn't answer ({type(error).__name__})"
            if words:
                say(words)
            done += 1
            time.sleep(scene.random.expovariate(1 / pace) if pace else 0)


def _act(act: str, scene: World, client: httpx2.Client) -> str:
    if act == "work":
        return staff.one(scene.random)
    if act == "settle" and scene.troubled:
        connection, body, trouble = scene.troubled.popleft()
        at = timezone.now()
        fixed = payloads.paid(body, at) if trouble == "unpaid" else payloads.addressed(body, at)
        return _post(scene, client, connection, "orders/updated", fixed)
    if act == "cancel" and scene.sent:
        connection, body = scene.random.choice(scene.sent)
        return _post(scene, client, connection, "orders/cancelled", payloads.cancelled(body, timezone.now()))
    if act == "duplicate" and scene.sent:
        connection, body = scene.random.choice(scene.sent)
        return _post(scene, client, connection, "orders/create", body) + " (again)"
    return _order(act, scene, client)


def _order(act: str, scene: World, client: httpx2.Client) -> str:
    scene.number += 1
    connection = scene.connections["web-uk" if scene.random.random() < 0.75 else "web-eu"]
    trouble = act if act in {"unknown_sku", "no_address", "unpaid"} else ""
    body = payloads.order(
        scene.random, number=scene.number, at=timezone.now(), catalogue=scene.catalogue,
        currency=world.channel_of(connection).currency, trouble=trouble,
    )  # fmt: skip
    if act == "truncated":
        raw = json.dumps(body).encode()
        return _send(scene, client, connection, "orders/create", raw[: len(raw) * 3 // 5]) + " (cut off)"
    if act == "out_of_order":
        shop.tell(client, body)
        _post(scene, client, connection, "orders/updated", payloads.paid(body, timezone.now() + timedelta(seconds=5)))
        return _post(scene, client, connection, "orders/create", body) + " (after its update)"
    shop.tell(client, body)
    scene.sent.append((connection, body))
    if trouble in {"no_address", "unpaid"}:
        scene.troubled.append((connection, body, trouble))
    return _post(scene, client, connection, "orders/create", body) + (
        f" ({trouble.replace('_', ' ')})" if trouble else ""
    )


def _post(scene: World, client: httpx2.Client, connection: Connection, topic: str, body: dict[str, Any]) -> str:
    return f"{body['name']} {_send(scene, client, connection, topic, json.dumps(body, separators=(',', ':')).encode())}"


def _send(scene: World, client: httpx2.Client, connection: Connection, topic: str, raw: bytes) -> str:
    answer = client.post(
        f"{scene.url}/hooks/{connection.pk}/", content=raw, headers=headers(topic, raw, connection.secret("webhook"))
    )
    return f"{world.channel_of(connection).code} {topic}: {answer.status_code}"
