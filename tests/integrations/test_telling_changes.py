"""Telling Shopify what was changed here, against a server that speaks its protocol, with everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from config.devstack.shopify import Server
from config.devstack.shopify_orders import line_items
from core.actors import SYSTEM
from core.errors import TryLater
from core.events import Fact
from core.models import Event
from core.subjects import Subject
from exceptions.models import Case
from integrations import inbox
from integrations.channels import changes
from integrations.models import Breaker, Connection, OutboundCall
from orders.edits import AddLine, Cancel, ChangeAddress, ChangeMethod, ChangeQuantity
from orders.models import Order, OrderChange
from orders.services import change_log, changing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import LEEDS
from tests.integrations.conftest import FIXTURES

pytestmark = pytest.mark.django_db
BODY = json.loads((FIXTURES / "orders_create.json").read_text())
JACKET, SOCKS = (str(line["id"]) for line in BODY["line_items"])
YORK = replace(LEEDS, line1="9 Stonegate", city="York", postal_code="YO1 8AS", latitude=None, longitude=None)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("shpat_test") as server:
        yield server


@pytest.fixture
def order(shop: Connection, server: Server) -> Order:
    shop.settings = {"shop": server.url, "private_address_allowed": True}
    shop.save()
    shop.keep_secret("token", "shpat_test")
    server.shop.add_order(BODY)
    server.shop.stock.add(["MUG-01"])
    server.shop.stock.prices["MUG-01"] = "7.50"
    node = LocationFactory(pickup=True, code="LEEDS")
    for sku in (*(line["sku"] for line in BODY["line_items"]), "MUG-01"):
        StockFactory(item=ItemFactory(sku=sku), location=node, sellable=9)
    body = json.dumps(BODY).encode()
    message, _ = inbox.accept(shop, external_id="1", headers={}, body=body, topic="orders/create", verdict="GOOD")
    inbox.process(message)
    return Order.objects.get()


def change(order: Order, *edits: Any, key: str = "k") -> OrderChange:
    return OrderChange.objects.get(pk=changing.confirm(order.pk, edits, version=None, actor=SYSTEM, key=key))


def tell(made: OrderChange) -> OrderChange:
    """What the outbox does with the change's fact."""
    row = Event.objects.get(type="order.change_confirmed", data__change=made.pk)
    about = Subject(row.subject_kind, row.subject_uid, row.subject_label)
    changes.tell(Fact(row.pk, row.uid, row.type, about, SYSTEM, row.data, row.occurred_at, "", row.pk))
    made.refresh_from_db()
    return made


def theirs(server: Server) -> dict[str, Any]:
    return next(iter(server.shop.orders.values()))


def units(server: Server) -> dict[str, int]:
    return {line["sku"]: line["currentQuantity"] for line in line_items(theirs(server))}


def untold() -> list[str]:
    return list(Case.objects.filter(reason="orders.channel_untold", is_open=True).values_list("summary", flat=True))


def test_a_cancellation_waits_for_shopifys_job_and_is_begun_once(order: Order, server: Server):
    server.shop.changes.job_polls = 1
    made = change(order, Cancel(reason="Changed her mind"))

    with pytest.raises(TryLater, match="cancelling"):
        tell(made)
    made.refresh_from_db()
    assert (made.channel_told, theirs(server)["cancelledAt"]) == ("WAITING", None)
    assert made.channel_ref.startswith("gid://shopify/Job/")

    tell(made)
    tell(made)
    assert (made.channel_told, bool(theirs(server)["cancelledAt"])) == ("TOLD", True)
    (begun,) = server.shop.cancellations
    assert begun["refundMethod"] == {"originalPaymentMethodsRefund": False}
    assert begun["staffNote"].startswith(f"Backroom {order.number}-change-{made.pk}")
    assert OutboundCall.objects.filter(purpose="cancel order", status=200).count() == 1
    assert untold() == []


def test_an_edit_is_committed_once_though_its_answer_is_lost(order: Order, server: Server):
    made = change(
        order, ChangeQuantity(line=SOCKS, quantity=1), AddLine(sku="MUG-01", quantity=2, unit_price=Decimal("7.50"))
    )
    sold = dict(units(server))
    server.shop.faults["lose_answer"] = 1

    for _ in range(6):  # the lost answer may be any call's of the edit
        try:
            tell(made)
        except TryLater:
            server.shop.faults["lose_answer"] = 0

    assert made.channel_told == "TOLD"
    assert units(server) == sold | {BODY["line_items"][1]["sku"]: 1, "MUG-01": 2}
    assert server.shop.commits == 1


def test_an_edit_whose_commit_answer_is_lost_is_not_made_again(order: Order, server: Server, monkeypatch: Any):
    made = change(order, AddLine(sku="MUG-01", quantity=2, unit_price=Decimal("7.50")))
    commit = server.shop.changes._commit

    def lost(*given: Any) -> Any:
        server.shop.faults["lose_answer"] = 1
        return commit(*given)

    monkeypatch.setattr(server.shop.changes, "_commit", lost)
    with pytest.raises(TryLater):
        tell(made)
    tell(made)

    assert (units(server)["MUG-01"], server.shop.commits, made.channel_told) == (2, 1, "TOLD")


def test_an_address_is_told_once(order: Order, server: Server):
    made = change(order, ChangeAddress(address=YORK))

    tell(made)

    address = theirs(server)["shippingAddress"]
    assert (address["city"], address["zip"], address["countryCodeV2"]) == ("York", "YO1 8AS", "GB")
    assert (address["firstName"], address["lastName"]) == ("Nadia", "Osei")
    again = tell(change(order, ChangeAddress(address=YORK), key="2"))
    assert again.channel_words == "Shopify has the address already."


@pytest.mark.parametrize(
    ("edit", "trouble", "words"),
    [
        (Cancel(), {"refusals": ["Order has pending payment authorizations"]}, "pending payment authorizations"),
        (ChangeQuantity(line=SOCKS, quantity=1), {"refusals": ["The order is archived"]}, "The order is archived"),
        (
            AddLine(sku="MUG-01", quantity=1, unit_price=Decimal(5)),
            {},
            "sells MUG-01 for 7.50, here it was agreed for 5",
        ),
        (ChangeMethod(method="PICKUP", pickup_location_code="LEEDS"), {}, "another way of delivery"),
        (ChangeQuantity(line=SOCKS, quantity=1), {"cancelled": True}, "cancelled order can't be changed"),
    ],
    ids=["refused", "archived", "another price", "no such call", "cancelled there"],
)
def test_what_shopify_refuses_is_a_case_in_its_words(
    order: Order, server: Server, edit: Any, trouble: dict[str, Any], words: str
):
    made = change(order, edit)
    server.shop.changes.refusals = trouble.get("refusals", [])
    if trouble.get("cancelled"):
        theirs(server)["cancelledAt"] = "2026-01-01T00:00:00Z"

    tell(made)

    assert (made.channel_told, server.shop.commits, len(untold())) == ("CANNOT", 0, 1)
    assert words in made.channel_words
    assert change_log.told_by_hand(order.pk, actor=SYSTEM) == 1
    assert untold() == []


def test_an_order_cancelled_there_already_counts_as_told(order: Order, server: Server):
    theirs(server)["cancelledAt"] = "2026-01-01T00:00:00Z"

    made = tell(change(order, Cancel()))

    assert (made.channel_told, server.shop.cancellations) == ("TOLD", [])


@pytest.mark.parametrize("fault", ["throttle", "429", "500", "hang_up", "garbage"])
def test_what_passes_is_tried_again_and_tells_it_once(order: Order, server: Server, fault: str):
    made = change(order, ChangeQuantity(line=SOCKS, quantity=2))
    server.shop.faults[fault] = 1

    with pytest.raises(TryLater):
        tell(made)
    made.refresh_from_db()
    assert (made.channel_told, untold()) == ("WAITING", [])

    Breaker.objects.all().delete()  # the pause is over
    tell(made)
    assert (made.channel_told, server.shop.commits) == ("TOLD", 1)


def test_what_has_left_is_cut_not_cancelled(order: Order, server: Server):
    gid = theirs(server)["fulfillmentOrders"]["nodes"][0]
    jacket = gid["lineItems"]["nodes"][0]
    jacket["remainingQuantity"] = 0
    theirs(server)["fulfillments"].append({"id": "F1"})

    made = tell(change(order, ChangeQuantity(line=SOCKS, quantity=0)))

    assert (made.channel_told, server.shop.cancellations) == ("TOLD", [])
    assert units(server)[BODY["line_items"][1]["sku"]] == 0
