"""Partners send orders in over HTTP, find them again, and cancel them."""

from __future__ import annotations

import pytest

from inventory.models import Stock
from orders.models import Channel, FulfilmentOrder, Order
from orders.services import fulfilment
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import Api, body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    ChannelFactory()
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=10)


def test_an_order_is_made_and_found_where_the_answer_says(api):
    made = api.order()

    found = api.get(made.headers["Location"])

    assert made.status_code == 201
    assert made.json()["outcome"] == "created"
    assert found.json()["number"] == made.json()["number"]
    assert found.json()["status"] == "ACCEPTED"
    assert found.json()["lines"][0]["allocated"] == 1
    assert found.headers["ETag"] == made.headers["ETag"]


def test_the_same_call_again_replays_the_first_answer(api):
    first = api.order(idempotency_key="k1")

    second = api.order(idempotency_key="k1")

    assert second.content == first.content
    assert second.status_code == 201
    assert Stock.objects.get().reserved == 1


def test_the_same_order_under_a_new_key_is_known(api):
    api.order()

    again = api.order()

    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert Order.objects.count() == 1


def test_a_key_means_one_body(api):
    api.order(idempotency_key="k1")

    other = api.order(body(channel_ref="A-2"), idempotency_key="k1")

    assert other.status_code == 422
    assert Order.objects.count() == 1


def test_an_older_version_changes_nothing_and_a_newer_one_does(api):
    api.order(body(version=5))

    older = api.order(body(version=4, line__quantity=3, total="30.00"))
    newer = api.order(body(version=6, line__quantity=2, total="20.00"))

    assert (older.status_code, older.json()["outcome"]) == (200, "stale")
    assert (newer.status_code, newer.json()["outcome"]) == (200, "changed")
    assert Stock.objects.get().reserved == 2


def test_an_unknown_sku_is_kept_with_a_case(api):
    kept = api.order(body(line__sku="NOBODY-KNOWS"))

    assert kept.status_code == 202
    assert kept.json()["problems"] == ["orders.unknown_sku"]
    assert Order.objects.count() == 1


def test_totals_that_disagree_are_kept_with_a_case(api):
    kept = api.order(body(total="11.00"))

    assert kept.status_code == 202
    assert kept.json()["problems"] == ["orders.totals_disagree"]


def test_an_order_without_stock_is_made_and_says_so(api):
    made = api.order(body(line__quantity=11, total="110.00"))

    assert made.status_code == 201
    assert made.json()["problems"] == ["orders.unallocated"]


def test_a_channel_the_key_does_not_speak_for_is_not_there(api, key):
    other = ChannelFactory(code="other")
    key[0].channels.add(other)

    sent = api.order()
    read = api.get("/api/v1/orders/SO-100001")

    assert sent.status_code == 404
    assert read.status_code == 404
    assert not Order.objects.exists()


def test_orders_of_other_channels_are_not_listed(api, key):
    api.order()
    key[0].channels.add(ChannelFactory(code="other"))

    assert api.get("/api/v1/orders").json()["items"] == []


def test_a_closed_channel_takes_no_orders(api):
    Channel.objects.update(active=False)

    assert api.order().status_code == 409


def test_a_caller_who_has_this_version_gets_no_body(api):
    made = api.order()

    again = api.get(made.headers["Location"], **{"If-None-Match": made.headers["ETag"]})

    assert again.status_code == 304


def test_the_list_is_narrowed_and_paged(api):
    numbers = [api.order(body(channel_ref=f"A-{n}")).json()["number"] for n in range(3)]

    first = api.get("/api/v1/orders", {"page_size": "2", "sort": "-number"}).json()
    second = api.get("/api/v1/orders", {"page_size": "2", "sort": "-number", "after": first["next"]}).json()
    one = api.get("/api/v1/orders", {"q": "A-1"}).json()
    none = api.get("/api/v1/orders", {"status": "CANCELLED"}).json()

    assert [o["number"] for o in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None
    assert [o["number"] for o in one["items"]] == [numbers[1]]
    assert none["items"] == []


@pytest.mark.parametrize(
    "query", [{"role": "x"}, {"status": "NOPE"}, {"sort": "buyer_email"}, {"after": "!!"}, {"page_size": "-1"}]
)
def test_a_list_asked_for_wrongly_is_refused(api, query):
    assert api.get("/api/v1/orders", query).status_code == 400


def test_a_page_is_never_larger_than_the_limit(api):
    assert api.get("/api/v1/orders", {"page_size": "1000000000"}).status_code == 200


def test_an_order_is_cancelled_once(api):
    made = api.order()

    done = api.post(f"{made.headers['Location']}/cancel", {"reason": "Changed my mind"})
    again = api.post(f"{made.headers['Location']}/cancel", {})

    assert (done.status_code, done.json()["status"]) == (200, "CANCELLED")
    assert again.status_code == 200
    assert Stock.objects.get().reserved == 0


def test_what_has_left_is_not_cancelled(api):
    made = api.order()
    order = Order.objects.get()
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get()
    from core.actors import SYSTEM

    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    fulfilment.pack(job.pk, actor=SYSTEM)
    fulfilment.ship(job.pk, actor=SYSTEM)

    refused = api.post(f"{made.headers['Location']}/cancel", {})

    assert refused.status_code == 409
    assert refused.json()["code"] == "already_shipped"
    assert refused.json()["facts"]["status_now"] == "COMPLETED"


def test_a_cancellation_of_an_old_version_is_refused(api):
    made = api.order()
    api.order(body(version=2, note="ring twice"))

    refused = api.post(f"{made.headers['Location']}/cancel", {}, **{"If-Match": made.headers["ETag"]})

    assert refused.status_code == 412
    assert Order.objects.get().status == "ACCEPTED"


def test_keys_and_scopes_decide(client, api, key):
    reader = type(key[0]).issue("Reader", scopes=["orders:read"])[1]
    revoked, revoked_key = type(key[0]).issue("Old", scopes=["orders:read"])
    type(key[0]).objects.filter(pk=revoked.pk).update(active=False)

    assert client.get("/api/v1/orders").status_code == 401
    assert Api(client, "br_x_y").get("/api/v1/orders").status_code == 401
    assert Api(client, revoked_key).get("/api/v1/orders").status_code == 401
    assert Api(client, reader).get("/api/v1/orders").status_code == 200
    assert Api(client, reader).order().status_code == 403
    assert not Order.objects.exists()


def test_reading_one_order_costs_a_constant_number_of_queries(api, django_assert_max_num_queries):
    for n in range(1, 6):
        ItemFactory(sku=f"P-{n}")
    lines = [{"ref": str(n), "sku": f"P-{n}", "title": "", "quantity": 1, "unit_price": "2.00"} for n in range(1, 6)]
    made = api.order(body(lines=lines))

    with django_assert_max_num_queries(9):
        api.get(made.headers["Location"])


def test_the_schema_describes_what_is_validated(described):
    post = described["paths"]["/api/v1/orders"]["post"]
    sent = post["requestBody"]["content"]["application/json"]["schema"]
    assert sent["additionalProperties"] is False
    assert sent["properties"]["lines"]["maxItems"] == 500
    assert "Idempotency-Key" in {p["name"] for p in post["parameters"]}
