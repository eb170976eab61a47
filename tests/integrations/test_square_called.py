"""Calls to Square, against a server that speaks its protocol, with what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from config.devstack import square
from core.errors import Permanent, TryLater
from integrations import inbox, tokens
from integrations.channels import polling, registry
from integrations.channels.news import ChangeNews, ShipmentNews, Wanted
from integrations.channels.square import client
from integrations.models import Connection, FeedState, InboundMessage
from inventory.services.figures import Level
from orders.models import Order
from tests.factories.inventory import LocationFactory
from tests.integrations.test_square import connect, fixture

pytestmark = pytest.mark.django_db
SINCE = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def server() -> Iterator[square.Server]:
    with square.Server("EAAA0") as server:
        for name in ("shipment", "sale", "sale_tax_included"):
            order = fixture(name)["order"]
            server.account.orders[order["id"]] = order
        yield server


@pytest.fixture
def account(server: square.Server) -> Connection:
    tokens._kept.clear()
    LocationFactory(code="LSHOP1")
    connection = connect(api=server.url, private_address_allowed=True, stock_location="LSHOP1")
    connection.keep_secret("token", "EAAA0")
    return connection


def news(number: str = "RM1") -> ShipmentNews:
    return ShipmentNews("WEB1", "SH-1", (("w1", 2),), "Royal Mail", number)


def change(*wanted: Wanted) -> ChangeNews:
    return ChangeNews("WEB1", ({"edit": "cancel"},), wanted, "CH-1")


class Memory:
    ref = ""

    def keep(self, ref: str) -> None:
        self.ref = ref


def poll(name: str) -> int:
    polling.ensure()
    state = FeedState.objects.get(name=name)
    polling.restart(state, SINCE)
    found = polling.read(state.pk)
    state.refresh_from_db()
    assert state.last_error == ""
    inbox.process_due()
    return found


def test_changed_orders_are_read_page_by_page_and_once(account: Connection, server: square.Server):
    server.account.faults["cursor_ended"] = 1  # half way: the walk begins anew, and what was read counts once

    assert (poll("orders"), poll("orders")) == (3, 0)

    assert set(Order.objects.values_list("channel_ref", flat=True)) == {"WEB1", "SALE1aaZZ", "SALE2incl"}
    assert set(InboundMessage.objects.values_list("status", flat=True)) == {"PROCESSED"}


def test_refunds_and_codes_are_read_as_they_change(account: Connection, server: square.Server):
    server.account.refunds = [fixture("refund")["refund"]]
    server.account.variations = fixture("catalogue")["objects"][0]["item_data"]["variations"][:1]

    assert (poll("refunds"), poll("codes"), poll("codes")) == (1, 1, 0)


def test_a_shipment_is_told_once_whatever_is_lost(account: Connection, server: square.Server):
    server.account.faults["lose_answer"] = 1  # reading the order
    with pytest.raises(TryLater):
        client.tell_shipment(account, news())
    server.account.faults["changed_meanwhile"] = 1
    with pytest.raises(TryLater, match="meanwhile"):
        client.tell_shipment(account, news())

    assert client.tell_shipment(account, news()) == "f1"
    version = server.account.orders["WEB1"]["version"]
    assert client.tell_shipment(account, news()) == "f1"

    assert server.account.orders["WEB1"]["version"] == version
    details = server.account.orders["WEB1"]["fulfillments"][0]["shipment_details"]
    assert (details["tracking_number"], details["carrier"]) == ("RM1", "Royal Mail")
    with pytest.raises(Permanent, match="no shipment"):
        client.tell_shipment(account, news("RM2"))


def test_an_order_is_cancelled_once_and_a_sale_never(account: Connection, server: square.Server):
    assert client.tell_change(account, change(), Memory()) == "It is cancelled at Square."
    assert client.tell_change(account, change(), Memory()) == "It was cancelled at Square already."
    assert server.account.orders["WEB1"]["fulfillments"][0]["state"] == "CANCELED"

    with pytest.raises(Permanent, match="change it there"):
        client.tell_change(account, change(Wanted("w1", "MUG-RED", 1)), Memory())
    server.account.orders["WEB1"]["state"] = "COMPLETED"
    with pytest.raises(Permanent, match="refund it there"):
        client.tell_change(account, change(), Memory())


@pytest.mark.parametrize("fault", ["500", "429"])
def test_trouble_is_tried_again_and_credentials_are_for_a_person(
    account: Connection, server: square.Server, fault: str
):
    server.account.faults[fault] = 1
    with pytest.raises(TryLater):
        client.fetch(account, "order", "WEB1")

    Connection.objects.get(pk=account.pk).keep_secret("token", "other", retire_others=True)
    if fault == "500":
        with pytest.raises(Permanent, match="credentials"):
            client.fetch(account, "order", "WEB1")


def test_a_token_that_ended_is_renewed(account: Connection, server: square.Server):
    server.account.refresh = "EQAA"
    account.settings |= {"client_id": "sq0idp-1"}
    account.keep_secret("client_secret", "hush")
    account.keep_secret("refresh_token", "EQAA")

    client.fetch(account, "order", "WEB1")
    server.account.token = "EAAA-taken-back"
    client.fetch(account, "order", "WEB1")

    assert server.account.tokens_made == 2


def test_stock_is_set_at_the_location_by_sku_or_by_code(account: Connection, server: square.Server):
    made: list[dict[str, Any]] = [
        {"type": "ITEM_VARIATION", "id": f"V{n}", "item_variation_data": {"sku": f"SKU-{n}"}} for n in (1, 2)
    ]
    server.account.variations = made
    levels = [
        Level(1, ("SKU-1",), "", {"": 5}),
        Level(2, ("variation:V2", "SKU-2"), "", {"": -3}),
        Level(3, ("SKU-9",), "", {"": 1}),
        Level(4, ("SKU-1",), "", {"LEEDS": 1}),
    ]

    told = registry.get("square").set_levels(account, levels, f"key-{datetime.now(UTC)}")

    assert server.account.counts == {("V1", "LSHOP1"): "5", ("V2", "LSHOP1"): "0"}
    assert [(each.ref, each.unlisted, bool(each.problem)) for each in told] == [
        ("V1", False, False), ("V2", False, False), ("", True, False), ("V1", False, True)
    ]  # fmt: skip
