"""Orders asked for: `GET {base_url}/orders?cursor=…` of a shop that can't send webhooks, with a bearer token.

It answers {"orders": [order, …], "cursor": "…", "more": false}: orders as Backroom's own API takes them, those that
changed since the cursor, the oldest change first. The first call has no cursor.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

from core.errors import Permanent
from integrations import http
from integrations.channels.vendor import Document, Page
from integrations.documents import write_json
from integrations.models import Connection

MAX_CURSOR = 2_000
TOKEN = "token"  # noqa: S105  (the name of a secret, not one)


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("base_url"))


def orders(connection: Connection, cursor: str) -> Page:
    base = str(connection.settings.get("base_url", "")).rstrip("/")
    asked = f"{base}/orders?{urlencode({'cursor': cursor})}" if cursor else f"{base}/orders"
    headers = {"Authorization": f"Bearer {connection.secret(TOKEN)}", "Accept": "application/json"}
    answer = http.request(connection, "GET", asked, purpose="ask for orders", headers=headers).json()
    listed = answer.get("orders") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise Permanent("The answer holds no list of orders.")
    onward = answer.get("cursor", "")
    if not isinstance(onward, str) or len(onward) > MAX_CURSOR:
        raise Permanent(f"The cursor should be text of at most {MAX_CURSOR} characters.")
    return Page(tuple(_document(order) for order in listed), onward, bool(answer.get("more")))


def _document(order: object) -> Document:
    body = write_json(order)
    return Document(f"pulled:{hashlib.sha256(body).hexdigest()}", "order", body)
