"""A dry run names every problem with its path and writes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from core.models import Event
from inventory.models import ExpectedReceipt
from orders.models import Channel, Order
from orders.services import validating
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10, location=LocationFactory(code="LEEDS", pickup=True))


def ask(api, sent):
    answer = api.post("/api/v1/orders/validate", sent, idempotency_key=None)
    assert answer.status_code == 200, answer.content
    return answer.json()


def found(said):
    return {(p["path"], p["leads_to"]) for p in said["problems"]}


def test_an_order_with_nothing_wrong_is_clean_and_says_what_there_is(api):
    said = ask(api, body())

    assert (said["acceptable"], said["clean"], said["outcome"]) == (True, True, "created")
    assert said["lines"] == [{"index": 0, "ref": "1", "sku": "SKU-1", "item": "SKU-1", "quantity": 1, "available": 10}]
    assert said["promise"]["lacking"] == []


def test_every_problem_is_named_whatever_else_is_wrong(api):
    line = body()["lines"][0]
    said = ask(
        api,
        body(
            currency="XXX",
            channel="webshop",
            account="NEWCO",
            method="PICKUP",
            pickup_location_code="NOWHERE",
            lines=[line | {"quantity": 0}, line | {"ref": "2", "sku": "NOBODY-KNOWS"}, line | {"ref": "3", "sku": ""}],
        ),
    )

    assert found(said) == {
        ("currency", "refused"),
        ("lines[0].quantity", "refused"),
        ("lines[1].sku", "needs_person"),
        ("lines[2].sku", "needs_person"),
        ("pickup_location_code", "needs_person"),
        ("account", "needs_person"),
    }
    assert said["acceptable"] is False
    assert said["outcome"] is None


def test_what_would_hold_it_or_need_a_person_is_told_by_path(api):
    said = ask(
        api,
        body(
            payment_state="pending",
            total="99.00",
            ship_to={"name": "Nadia Osei", "line1": "4 Park Row", "country": "GB"},
            line__quantity=12,
        ),
    )

    assert found(said) == {
        ("total", "needs_person"),
        ("payment_state", "hold"),
        ("ship_to.city", "hold"),
        ("ship_to.postal_code", "hold"),
        ("lines[0].quantity", "needs_person"),
    }
    assert said["acceptable"] is True
    assert said["promise"]["lacking"][0] | {"expected_at": 0} == {
        "sku": "SKU-1", "wanted": 12, "available": 10, "expected_at": 0,
    }  # fmt: skip


def test_credit_and_approval_are_weighed_without_locking_anything(api):
    AccountFactory(code="HALDEN", credit_limit=5, requires_approval=True)

    said = ask(api, body(account="HALDEN", payment_state="pending"))

    assert found(said) == {("account", "hold")}
    assert {p["rule"] for p in said["problems"]} == {"credit", "approval"}


def test_a_known_order_counts_what_it_holds_already(api):
    made = api.order(body(line__quantity=8, total="80.00")).json()

    same = ask(api, body(line__quantity=8, total="80.00"))
    more = ask(api, body(line__quantity=10, total="100.00", version=2))
    older = ask(api, body(line__quantity=9, total="90.00", version=0))

    assert (same["outcome"], same["number"]) == ("unchanged", made["number"])
    assert (more["outcome"], more["clean"], more["lines"][0]["available"]) == ("changed", True, 10)
    assert older["outcome"] == "stale"


def test_nothing_is_written(api):
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM orders_number")
        number = cursor.fetchone()
    before = (Order.objects.count(), Event.objects.count())
    ask(api, body(line__sku="NOBODY-KNOWS"))
    ask(api, body())

    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM orders_number")
        assert cursor.fetchone() == number
    assert (Order.objects.count(), Event.objects.count()) == before


def test_the_database_itself_refuses_a_dry_run_that_would_write():
    with pytest.raises(DatabaseError, match="read-only"), validating.nothing_written():
        Channel.objects.update(name="Written")

    assert Channel.objects.get().name == "Webshop"
    Channel.objects.update(name="Afterwards")


@pytest.mark.parametrize("sent", ["{", "[" * 100_000, '{"a": 1, "a": 2}'])
def test_what_is_no_json_is_refused(api, sent):
    assert api.post("/api/v1/orders/validate", sent, idempotency_key=None).status_code == 400


@pytest.mark.parametrize("sent", [[], '"x"', None, 7, {"lines": 3}, {"lines": [1, {"sku": 4}, {"sku": "\u200b"}]}])
def test_whatever_is_asked_about_gets_an_answer(api, sent):
    assert ask(api, sent)["acceptable"] is False


def test_another_channel_is_not_there_and_a_closed_one_takes_none(api, key):
    Channel.objects.update(active=False)
    assert ("channel", "refused") in found(ask(api, body()))

    key[0].channels.add(ChannelFactory(code="other"))

    assert {p["rule"] for p in ask(api, body())["problems"] if p["path"] == "channel"} == {"unknown"}


def test_it_says_when_enough_is_expected(api):
    stock = StockFactory(item=ItemFactory(sku="SKU-2"), sellable=1)
    due = timezone.now() + timedelta(days=3)
    ExpectedReceipt.objects.create(
        item=stock.item, location=stock.location, quantity=5, due_at=due, cause_kind="transfer", cause_uid="1"
    )

    said = ask(api, body(line__sku="SKU-2", line__quantity=4, total="40.00"))

    assert said["promise"]["lacking"][0]["expected_at"].startswith(due.strftime("%Y-%m-%dT%H:%M:%S"))
