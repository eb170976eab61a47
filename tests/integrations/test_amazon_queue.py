"""Amazon's notifications pulled from their queue: signed as AWS documents, stored before they are deleted, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from config.devstack import amazon
from integrations.channels import polling
from integrations.channels.amazon import queue
from integrations.models import Connection, FeedState, InboundMessage
from tests.integrations.test_stores import connect

pytestmark = pytest.mark.django_db


def notification(name: str) -> str:
    return json.dumps({"NotificationType": "ORDER_CHANGE", "NotificationMetadata": {"NotificationId": name}})


def read(connection: Connection) -> FeedState:
    FeedState.objects.filter(name="notifications").update(next_at=timezone.now())
    state = FeedState.objects.get(connection=connection, name="notifications")
    polling.read(state.pk)
    state.refresh_from_db()
    return state


def test_a_call_is_signed_as_aws_documents_it():
    told = queue.signature(
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "iam.amazonaws.com"}, b"",
        region="us-east-1", service="iam", key_id="AKIDEXAMPLE", key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC), method="GET", query="Action=ListUsers&Version=2010-05-08",
    )  # fmt: skip

    assert told["authorization"].endswith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


def test_what_the_queue_holds_is_kept_first_then_deleted_and_counts_once():
    with amazon.Server(("app", "hush"), "Atzr|r") as server:
        shop: Any = server.shop
        where = {"queue_url": f"{server.url}/123/orders", "queue_region": "eu-west-1", "private_address_allowed": True}
        connection = connect("amazon", api=server.url, **where)
        polling.ensure()
        connection.keep_secret("queue_key_id", "AKIDEXAMPLE")
        connection.keep_secret("queue_key", "wrong")
        shop.queue = {"h0": notification("n0")}

        assert "refuses our credentials" in read(connection).last_error
        assert shop.queue
        assert not InboundMessage.objects.exists()

        connection.keep_secret("queue_key", "wJalr", retire_others=True)
        shop.queue = {f"h{n}": notification(f"n{n}") for n in range(23)} | {"again": notification("n0"), "bad": "<x>"}
        state = read(connection)

        assert (state.last_error, shop.queue) == ("", {})
        names = set(InboundMessage.objects.values_list("external_id", flat=True))
        assert {f"notification:n{n}" for n in range(23)} <= names
        assert len(names) == 24
        assert (state.documents, state.found) == (25, 24)


def test_a_connection_without_a_queue_has_no_such_feed():
    connect("amazon", api="https://api.example")

    polling.ensure()

    assert not FeedState.objects.filter(name="notifications").exists()
