"""An API key for orders, and a partner's body."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from integrations.models import ApiClient
from inventory.models import Item
from tests.factories import policies


def body(**fields):
    """A partner's order as JSON-ready Python; `line__…` changes its only line."""
    line = {"ref": "1", "sku": "SKU-1", "title": "Article", "quantity": 1, "unit_price": "10.00"}
    line |= {name.removeprefix("line__"): fields.pop(name) for name in list(fields) if name.startswith("line__")}
    return {
        "channel": "webshop",
        "channel_ref": "A-1",
        "placed_at": "2026-03-02T09:30:00Z",
        "currency": "GBP",
        "total": "10.00",
        "version": 1,
        "payment_state": "paid",
        "ship_to": {
            "name": "Nadia Osei",
            "line1": "4 Park Row",
            "city": "Leeds",
            "postal_code": "LS1",
            "country": "GB",
        },
        "lines": [line],
    } | fields


class Api:
    """Calls the API the way a partner does."""

    def __init__(self, client, key):
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}

    def post(self, path, data, **headers):
        raw = data if isinstance(data, bytes | str) else json.dumps(data)
        key = headers.pop("idempotency_key", uuid4().hex)
        sent = self.headers | ({"Idempotency-Key": key} if key is not None else {}) | headers
        return self.client.post(path, raw, content_type="application/json", headers=sent)

    def order(self, data=None, **headers):
        return self.post("/api/v1/orders", body() if data is None else data, **headers)

    def get(self, path, query=None, **headers):
        return self.client.get(path, query or {}, headers=self.headers | headers)


@pytest.fixture
def key(db):
    return ApiClient.issue("Shop", scopes=["orders:read", "orders:write"])


@pytest.fixture
def api(client, key):
    return Api(client, key[1])


@pytest.fixture
def lamp(db) -> Item:
    return policies.lamp()
