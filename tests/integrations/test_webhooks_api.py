"""Webhooks set up by the tools that receive them, and the catalogue of what they may hear."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from uuid import uuid4

import pytest

from core.models import IdempotencyKey
from integrations.models import ApiClient, WebhookSubscription
from integrations.webhooks import asyncapi, catalogue

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
BODY = {"code": "tool", "name": "Tool", "url": "http://127.0.0.1:9/", "event_types": ["case.opened"]}


@pytest.fixture
def call(client, settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    _, key = ApiClient.issue("Tool", scopes=["webhooks:manage"])

    def make(method, path, data=None, **headers):
        sent = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex} | headers
        body = json.dumps(data) if data is not None else ""
        return client.generic(method, f"/api/v1/{path}", body, content_type="application/json", headers=sent)

    return make


def test_a_webhook_is_set_up_read_changed_rotated_tried_and_disabled(call):
    made = call("POST", "webhooks", BODY, **{"Idempotency-Key": "once"})
    again = call("POST", "webhooks", BODY, **{"Idempotency-Key": "once"})
    read = call("GET", "webhooks/tool")
    changes = {"name": "New", "url": BODY["url"], "event_types": ["case.opened", "order.received"], "payload": "THIN"}
    stale = call("PUT", "webhooks/tool", changes, **{"If-Match": '"v9"'})
    changed = call("PUT", "webhooks/tool", changes, **{"If-Match": read.headers["ETag"]})

    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert "secret" not in again.json()
    assert not any(b"whsec_" in bytes(kept.response_body or b"") for kept in IdempotencyKey.objects.all())
    assert (read.json()["status"], "secret" in read.json()) == ("ACTIVE", False)
    assert (stale.status_code, changed.json()["payload"]) == (412, "THIN")
    assert call("POST", "webhooks/tool/rotate", {"overlap_hours": 1}).json()["secret"].startswith("whsec_")
    assert call("POST", "webhooks/tool/test").status_code == 202
    assert call("GET", "webhooks/tool/calls").json()["items"] == []
    assert call("DELETE", "webhooks/tool").status_code == 204
    assert WebhookSubscription.objects.get().connection.status == "DISABLED"
    assert call("POST", "webhooks/tool/resume").json()["status"] == "ACTIVE"
    assert [row["code"] for row in call("GET", "webhooks").json()["items"]] == ["tool"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://127.0.0.1/"}, {"event_types": []}, {"event_types": ["order.lost"]}, {"code": "UPPER"},
        {"payload": "FAT"}, {"name": ""}, {"colour": "red"}, {"url": 5}, {"queues": "orders"},
    ],
)  # fmt: skip
def test_bad_input_sets_up_nothing(call, settings, change):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False

    assert call("POST", "webhooks", BODY | {"url": "https://93.184.216.34/"} | change).status_code == 400

    assert not WebhookSubscription.objects.exists()


def test_a_key_that_is_limited_or_lacks_the_scope_sets_up_none(client, settings):
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    for scopes, queues in ((["webhooks:manage"], ["orders"]), (["cases:work"], [])):
        _, key = ApiClient.issue("Tool", scopes=scopes, queues=queues)
        sent = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex}
        answer = client.post("/api/v1/webhooks", json.dumps(BODY), content_type="application/json", headers=sent)
        assert answer.status_code == 403
    assert not WebhookSubscription.objects.exists()


def test_the_catalogue_has_every_fact_the_apps_name_and_describes_them_all(client):
    named = {
        value
        for app in catalogue.APPS
        if (ROOT / app / "events.py").exists()
        for name, value in vars(importlib.import_module(f"{app}.events")).items()
        if name.isupper() and isinstance(value, str) and catalogue._is_type(value)
    }

    told = client.get("/api/v1/asyncapi.json").json()

    assert named <= catalogue.names()
    assert told["asyncapi"].startswith("3.")
    assert set(told["components"]["messages"]) == set(told["channels"]["receiver"]["messages"]) == catalogue.names()
    received = told["components"]["messages"]["order.received"]["payload"]["properties"]["data"]["properties"]["data"]
    assert {"channel", "channel_ref", "total"} <= set(received["properties"])


def test_the_page_of_events_is_the_catalogues():
    assert (ROOT / "docs" / "events.md").read_text() == asyncapi.page(), "manage.py events_page > docs/events.md"
