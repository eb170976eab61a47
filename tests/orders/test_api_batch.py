"""Many orders in one call: each with its own verdict, and a call that broke off goes on where it stopped."""

from __future__ import annotations

import pytest

from inventory.models import Stock
from orders.models import Order
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)


def send(api, *orders, **headers):
    return api.post("/api/v1/orders/batch", {"orders": list(orders)}, **headers)


def test_one_bad_order_does_not_stop_the_others(api):
    answer = send(
        api,
        body(channel_ref="1"),
        body(channel_ref="2", line__quantity=0),
        body(channel_ref="3", channel="nowhere"),
        "no order at all",
        body(channel_ref="5", line__sku="NOBODY-KNOWS"),
        body(channel_ref="1"),
    )

    said = answer.json()
    assert answer.status_code == 200
    assert [result["status"] for result in said["results"]] == [201, 400, 404, 400, 202, 200]
    assert [result["index"] for result in said["results"]] == list(range(6))
    assert said["results"][1]["problem"]["errors"][0]["path"] == "lines[0].quantity"
    assert said["results"][4]["order"]["problems"] == ["orders.unknown_sku"]
    assert said["results"][5]["order"]["outcome"] == "unchanged"
    assert (said["taken"], said["refused"]) == (3, 3)
    assert Order.objects.count() == 2
    assert Stock.objects.get().reserved == 1


def test_a_batch_made_again_replays_what_was_done_and_does_the_rest(api):
    first, second = body(channel_ref="1"), body(channel_ref="2")
    send(api, first, body(channel_ref="2", line__quantity=0), idempotency_key="b1")

    again = send(api, first, second, idempotency_key="b1").json()

    assert [result["status"] for result in again["results"]] == [201, 201]
    assert [result.get("replayed", False) for result in again["results"]] == [True, False]
    assert Order.objects.count() == 2


def test_a_key_means_one_batch(api):
    send(api, body(channel_ref="1"), idempotency_key="b1")

    other = send(api, body(channel_ref="2"), idempotency_key="b1")

    assert other.status_code == 422
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"orders": []}, 400),
        ({"orders": {}}, 400),
        ({"order": [body()]}, 400),
        ({"orders": [body()], "more": 1}, 400),
        ([body()], 400),
        ('{"orders": [NaN]}', 400),
        ({"orders": [body()] * 101}, 413),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(api, sent, status):
    assert api.post("/api/v1/orders/batch", sent).status_code == status
    assert not Order.objects.exists()


def test_a_batch_needs_its_key_and_the_scope(api, key):
    assert send(api, body(), idempotency_key=None).status_code == 400

    key[0].scopes = ["orders:read"]
    key[0].save()

    assert send(api, body()).status_code == 403
    assert not Order.objects.exists()


def test_a_batch_counts_as_many_calls_as_it_holds(api, key):
    key[0].rate_per_minute = 60
    key[0].save()
    orders = [body(channel_ref=str(n)) for n in range(11)]

    assert send(api, *orders).status_code == 200
    refused = send(api, *orders)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
