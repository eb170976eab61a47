"""The trace of one order: everything that crossed the border and happened within, in the order of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import in_hand
from core.models import Delivery, Event, User
from integrations import http, inbox
from integrations.models import ApiClient, Connection, InboundMessage, OutboundCall
from integrations.tracing import came, rows
from integrations.tracing.rows import Sight
from orders.models import Order
from tests.integrations.receiver import Receiver
from tests.integrations.test_inbox import deliver
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db
SEES = ("orders.view_order", "integrations.view_inboundmessage")
ALL = (
    *SEES, "core.view_delivery", "integrations.view_connection", "finance.view_posting",
    "integrations.see_message_payload",
)  # fmt: skip


def person(*permissions: str) -> Client:
    user = User.objects.create_user(email=f"{len(permissions)}-{User.objects.count()}@example.com", password="x")
    for each in permissions:
        app, _, codename = each.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def order(shop: Connection) -> Order:
    """An order that came by a message, whose fact went out by a call."""
    inbox.process(deliver(shop, "orders_create", "orders/create"))
    made = Order.objects.get()
    fact = Event.objects.get(type="order.received")
    OutboundCall.objects.create(
        connection=shop, method="POST", url="https://x/", about=str(fact.uid), purpose="tell it"
    )
    return made


def kinds(page: Any) -> set[str]:
    return {row.kind for row in page.rows}


def test_a_trace_holds_what_came_what_happened_and_what_went_out(order: Order, shop: Connection):
    other = deliver(shop, "draft_orders_create", "draft_orders/create")
    OutboundCall.objects.create(connection=shop, method="GET", url="https://x/", correlation_id="somebody-else")

    whole = rows.page(order, sight=Sight())

    assert kinds(whole) >= {"message", "event", "delivery", "call"}
    assert [row.at for row in whole.rows] == sorted(row.at for row in whole.rows)
    assert other not in {row.pk for row in whole.rows if row.kind == "message"}
    assert [row.title for row in whole.rows if row.kind == "call"] == ["tell it"]


def test_pages_of_a_trace_meet_whatever_their_size_and_direction(order: Order):
    moment = Event.objects.first().recorded_at  # several kinds at one moment
    Delivery.objects.filter(event__subject_uid=str(order.pk)).update(created_at=moment)
    whole = [(row.kind, row.pk) for row in rows.page(order, sight=Sight()).rows]

    forth, after = [], ""
    while True:
        page = rows.page(order, sight=Sight(), after=after, size=2)
        forth += [(row.kind, row.pk) for row in page.rows]
        if not page.next:
            break
        after = page.next
    back = [(row.kind, row.pk) for row in page.rows]
    while page.previous:
        page = rows.page(order, sight=Sight(), before=page.previous, size=2)
        back = [(row.kind, row.pk) for row in page.rows] + back

    assert forth == whole
    assert back == whole


def test_a_call_made_while_a_fact_is_handed_over_is_written_down_with_it(shop: Connection):
    shop.settings = {"private_address_allowed": True}

    with Receiver() as receiver, in_hand.holding("6f1c8f9e-0000-4000-8000-000000000001", "outside"):
        http.request(shop, "POST", receiver.url, json={})

    assert OutboundCall.objects.get().about == "6f1c8f9e-0000-4000-8000-000000000001"


def test_what_came_is_compared_with_what_is_stored(order: Order):
    same = came.compare(order)
    assert same is not None
    assert same.differing == []
    assert len(same.figures) > 20

    Order.objects.filter(pk=order.pk).update(shipping_total=1, buyer_name="Somebody Else")
    order.lines.filter(position=0).update(unit_price=7)

    changed = {figure.path.partition("[")[0]: figure for figure in came.compare(order).differing}
    assert set(changed) == {"shipping_total", "buyer.name", "lines"}
    assert changed["shipping_total"].stored == "1.00"
    assert "Else" not in changed["buyer.name"].stored


def test_who_may_see_less_is_told_so_and_sees_less(order: Order):
    little, all_of_it = person(*SEES), person(*ALL)
    message = InboundMessage.objects.get()
    call = OutboundCall.objects.get()
    base = f"/orders/{order.number}/trace"

    page = little.get(base).content.decode()
    assert "Not all of it." in page
    assert "tell it" not in page
    assert little.get(f"{base}/call/{call.pk}").status_code == 404
    assert "tell it" in all_of_it.get(base).content.decode()
    assert all_of_it.get(f"{base}/call/{call.pk}").status_code == 200

    masked = all_of_it.get(f"{base}/message/{message.pk}").content.decode()
    assert "Okonjo" not in masked
    assert little.get(f"{base}/message/{message.pk}?plain=1").status_code == 404
    assert not Event.objects.filter(type="message.opened").exists()
    assert "Okonjo" in all_of_it.get(f"{base}/message/{message.pk}?plain=1").content.decode()
    assert Event.objects.get(type="message.opened").subject_uid == str(message.pk)

    for client, status in ((person(), 403), (person("orders.view_order"), 403), (Client(), 302)):
        assert client.get(base).status_code == status
    assert all_of_it.get("/orders/SO-999999/trace").status_code == 404
    assert all_of_it.get(f"{base}?after=x").status_code == 400
    assert all_of_it.get(f"{base}/call/{2**80}").status_code == 404


def test_the_pages_of_a_trace_take_a_fixed_number_of_queries(order: Order, shop: Connection, query_count: Any):
    client = person(*ALL)
    with query_count("order-trace", lambda: client.get(f"/orders/{order.number}/trace")):
        for n in range(5):
            InboundMessage.objects.create(
                connection=shop, external_id=f"more-{n}", body=b"{}", size=2, sha256=str(n), verdict="GOOD",
                status="PROCESSED", result_kind="order", result_uid=str(order.pk), result_label=order.number,
            )  # fmt: skip
    query_count("order-trace-panel", lambda: client.get(f"/orders/{order.number}/trace/panel"))
    query_count("order-trace-difference", lambda: client.get(f"/orders/{order.number}/trace/difference"))


def test_a_trace_of_thousands_of_rows_costs_what_a_short_one_does(order: Order):
    def counted(**where: str) -> tuple[Any, int]:
        with CaptureQueriesContext(connection) as queries:
            found = rows.page(order, sight=Sight(), **where)
        return found, len(queries)

    short, before = counted()
    old = order.placed_at - timedelta(days=1)
    Event.objects.bulk_create(
        Event(uid=uuid4(), type="order.noted", occurred_at=old + timedelta(seconds=n), subject_kind="order",
              subject_uid=str(order.pk), subject_label=order.number, actor_kind="system", actor_label="test")
        for n in range(3_000)
    )  # fmt: skip

    first, after_many = counted()
    second, deep = counted(after=first.next)

    assert (len(first.rows), len(second.rows)) == (rows.SIZE, rows.SIZE)
    assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}
    assert after_many <= before
    assert deep <= before
    page = person(*ALL).get(f"/orders/{order.number}/trace").content
    assert page.count(b"<tr") <= rows.SIZE + 20
    assert len(page) < 400_000


def test_the_api_tells_the_same(order: Order, client: Client):
    api = Api(client, ApiClient.issue("Shop", scopes=["orders:read"])[1])
    found = api.get(f"/api/v1/orders/{order.number}/trace?page_size=3").json()
    more = api.get(f"/api/v1/orders/{order.number}/trace?after={found['next']}").json()
    told = api.get(f"/api/v1/orders/{order.number}/trace/difference").json()

    assert len(found["items"]) == 3
    assert {row["kind"] for row in found["items"] + more["items"]} >= {"message", "event", "delivery", "call"}
    assert (told["figures"], told["message"]) == ([], InboundMessage.objects.get().pk)
    assert api.get(f"/api/v1/orders/{order.number}/trace?nonsense=1").status_code == 400
