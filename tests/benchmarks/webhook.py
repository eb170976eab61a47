"""How many signed webhooks a second are accepted (checked, kept, 202), against a bare Django view that inserts the row.

Both sides run under granian with the same workers and threads, on the same database, and are sent the same bodies in
turns by the same clients. The portal's side checks the signature, hides secrets in the headers and knows repeats; the
bare side does nothing but insert.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from http.client import HTTPConnection
from typing import Any

from django.db import connection, connections

from tests.benchmarks._ground import forking, gather, own_database, start
from tests.benchmarks.pages import percentile, server, versions

SECONDS, CLIENTS, ROUNDS = 6.0, 4, 3
SECRET = b"bench-signing-secret"


def run(options: Any) -> dict[str, Any]:
    """`--seconds` a side in all, `--clients` senders; `--size` lines an order (the payload's size)."""
    seconds, clients = options["seconds"] or SECONDS, options["clients"] or CLIENTS
    body = _order(options["size"] or 3)
    with own_database("webhook"):
        hook = _connection()
        ours, theirs, sent, kept = _race(hook, body, seconds / ROUNDS, clients)
        found = versions()
    rate, raw_rate = clients / (sum(ours) / len(ours)), clients / (sum(theirs) / len(theirs))
    if kept != sent:
        raise RuntimeError(f"{sent} webhooks were answered 202 and {kept} messages are kept.")
    return {
        "name": "webhook",
        "rate": rate,
        "raw_rate": raw_rate,
        "ratio": rate / raw_rate,
        "p50_ms": percentile(ours, 0.5),
        "p95_ms": percentile(ours, 0.95),
        "raw_p50_ms": percentile(theirs, 0.5),
        "settings": {"clients": clients, "seconds": seconds, "bytes": len(body), "kept": kept, **found},
        "note": "rates in webhooks a second; every 202 is a row in the inbox",
    }


def _race(hook: str, body: bytes, seconds: float, clients: int) -> tuple[list[float], list[float], int, int]:
    ours: list[float] = []
    theirs: list[float] = []
    path = f"/hooks/{hook}/"
    sent = 0
    with (
        server("config.wsgi:application", {"RELAY_WAKES": "0"}) as portal,
        server("tests.benchmarks.raw_webhook:application", {"RAW_CONNECTION": hook}) as raw,
    ):
        connections.close_all()
        for turn in range(ROUNDS):
            times, count = _send(portal, path, body, seconds, clients, f"ours-{turn}")
            ours, sent = ours + times, sent + count
            times, count = _send(raw, path, body, seconds, clients, f"raw-{turn}")
            theirs, sent = theirs + times, sent + count
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM integrations_inboundmessage")
        (kept,) = cursor.fetchone()
    return ours, theirs, sent, kept


def _send(port: int, path: str, body: bytes, seconds: float, clients: int, name: str) -> tuple[list[float], int]:
    results = forking.Queue()
    workers = start(_client, (port, path, body, seconds, name, results), clients)
    answers = gather(workers, results)
    return [taken for times, _ in answers for taken in times], sum(count for _, count in answers)


def _client(port: int, path: str, body: bytes, seconds: float, name: str, results: Any) -> None:
    import os

    client = HTTPConnection("127.0.0.1", port, timeout=60)
    signature = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/json", "X-Shopify-Topic": "orders/create"}
    headers["X-Shopify-Hmac-SHA256"] = signature
    times: list[float] = []
    count, begin = 0, time.perf_counter()
    while (now := time.perf_counter()) - begin < seconds:
        client.request("POST", path, body, headers | {"X-Shopify-Webhook-Id": f"{name}-{os.getpid()}-{count}"})
        answer = client.getresponse()
        answer.read()
        if answer.status != 202:
            results.put(f"{path} answered {answer.status}")
            return
        count += 1
        if now - begin > seconds / 10:  # the first requests warm connections and caches
            times.append(time.perf_counter() - now)
    results.put((times, count))


def _connection() -> str:
    from integrations.models import Connection
    from orders.models import Channel

    channel = Channel.objects.create(code="bench", name="Bench", currency="GBP")
    made = Connection.objects.create(
        code="bench", name="Bench", kind=Connection.Kind.CHANNEL, vendor="shopify", channel=channel
    )
    made.keep_secret("webhook", SECRET.decode())
    return str(made.pk)


def _order(lines: int) -> bytes:
    """A Shopify order of so many lines, about as large as real ones."""
    line = {"id": 1, "sku": "COAT", "title": "Coat", "quantity": 1, "price": "10.00", "properties": ["x" * 400]}
    return json.dumps(
        {"id": 1, "name": "#1", "currency": "GBP", "line_items": [line] * lines, "note": "y" * 800}
    ).encode()
