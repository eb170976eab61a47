"""Messages and connections on screen: what is shown, to whom, and what the buttons do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core.models import Job, User
from integrations import audit, inbox
from integrations.models import Connection, FeedState, InboundMessage, OutboundCall
from orders.models import Order
from tests.integrations.conftest import FIXTURES
from tests.integrations.test_inbox import deliver

pytestmark = pytest.mark.django_db
VIEW = ("view_inboundmessage", "view_connection")
ACT = (*VIEW, "reprocess_inboundmessage", "see_message_payload", "pause_connection")


def person(*permissions: str) -> Client:
    user = User.objects.create_user(email=f"{'-'.join(permissions) or 'nobody'}@example.com"[:200], password="x")
    user.user_permissions.set(
        Permission.objects.filter(codename__in=permissions, content_type__app_label="integrations")
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def failed(shop: Connection) -> int:
    body = json.loads((FIXTURES / "orders_create.json").read_text())
    body["line_items"][0]["price"] = "free"
    message_id = deliver(shop, "bad", "orders/create", body=json.dumps(body).encode())
    inbox.process(message_id)
    return message_id


@pytest.fixture
def placed(shop: Connection) -> int:
    message_id = deliver(shop, "orders_create", "orders/create")
    inbox.process(message_id)
    return message_id


def test_the_list_shows_what_became_of_each_message(failed: int, placed: int):
    page = person(*VIEW).get("/ops/messages/").content.decode()

    assert f'id="message-{failed}"' in page
    assert "Bad value." in page
    assert Order.objects.get().number in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("status=FAILED", True), ("status=PROCESSED", False), ("failure=bad_value", True),
        ("failure=unparsable", False),
        ("connection=shopify-web", True), ("topic=orders/create", True), ("topic=refunds/create", False),
        ("status=WAITING", False), ("q=nothing-like-it", False),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(failed: int, query: str, shown: bool):
    answer = person(*VIEW).get(f"/ops/messages/?{query}")

    assert answer.status_code == 200
    assert (f'id="message-{failed}"' in answer.content.decode()) is shown


def test_a_message_is_found_by_its_number_delivery_or_order(placed: int):
    client = person(*VIEW)
    found = InboundMessage.objects.get(pk=placed)

    for words in (str(placed), found.external_id, Order.objects.get().number):
        assert f'id="message-{placed}"' in client.get("/ops/messages/", {"q": words}).content.decode()


@pytest.mark.parametrize("query", ["status=LOST", "connection=nobody", "failure=bad_luck", "after=%00", "after=AAAA"])
def test_a_filter_that_makes_no_sense_is_400(shop: Connection, query: str):
    assert person(*VIEW).get(f"/ops/messages/?{query}").status_code == 400


def test_the_page_masks_people_and_shows_every_figure_as_it_came(placed: int):
    page = person(*VIEW).get(f"/ops/messages/{placed}").content.decode()

    assert "Okonjo" not in page
    assert "maud.okonjo" not in page
    assert "Larch Row" not in page
    assert "161.83" in page
    assert "FF-JKT-OLV-M" in page
    assert "Download as it came" not in page


def test_a_failure_shows_where_why_and_its_case(failed: int):
    page = person(*ACT).get(f"/ops/messages/{failed}").content.decode()

    assert "line_items[0].price" in page
    assert "Try again" in page
    assert "Discard" in page


def test_garbage_is_shown_as_text_without_harm(shop: Connection):
    message_id = deliver(shop, "evil", "orders/create", body=b"<script>alert(1)</script>\x00\xff")
    inbox.process(message_id)

    answer = person(*VIEW).get(f"/ops/messages/{message_id}")

    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;" in answer.content


def test_the_download_is_the_very_bytes_and_never_a_page(placed: int):
    answer = person(*ACT).get(f"/ops/messages/{placed}/raw")

    assert answer.content == (FIXTURES / "orders_create.json").read_bytes()
    assert answer["Content-Type"] == "application/octet-stream"
    assert "attachment" in answer["Content-Disposition"]
    assert person(*VIEW).get(f"/ops/messages/{placed}/raw").status_code == 403


def test_trying_again_does_what_can_be_done(shop: Connection, placed: int):
    waiting = deliver(shop, "draft_orders_create", "draft_orders/create")
    inbox.process(waiting)

    answer = person(*ACT).post(f"/ops/messages/{waiting}/reprocess")

    assert answer.status_code == 303
    assert inbox.outcome(waiting).status == "IGNORED"
    assert person(*ACT[:3]).post(f"/ops/messages/{placed}/reprocess").status_code == 409


def test_all_alike_become_a_job_unless_their_number_has_changed(failed: int):
    client = person(*ACT)

    assert client.post(f"/ops/messages/{failed}/reprocess-alike", {"expected": "4"}).status_code == 409
    answer = client.post(f"/ops/messages/{failed}/reprocess-alike", {"expected": "1"}, headers={"HX-Request": "true"})

    assert answer.status_code == 202
    assert Job.objects.get().total == 1


def test_discarding_needs_a_reason_and_clears_the_case(failed: int):
    client = person(*ACT)

    assert client.post(f"/ops/messages/{failed}/discard", {"reason": " "}).status_code == 422
    assert client.post(f"/ops/messages/{failed}/discard", {"reason": "Their test"}).status_code == 303
    assert inbox.outcome(failed).status == "IGNORED"


def test_connections_show_their_health_and_can_be_paused_with_a_reason(shop: Connection, failed: int):
    client = person(*ACT)
    page = client.get("/ops/links/").content.decode()
    assert "Shopify web" in page
    assert f"/hooks/{shop.pk}/" in page

    assert client.post(f"/ops/links/{shop.pk}/pause", {"reason": ""}).status_code == 422
    client.post(f"/ops/links/{shop.pk}/pause", {"reason": "Moving house"})
    shop.refresh_from_db()
    assert (shop.status, shop.status_reason) == ("PAUSED", "Moving house")
    assert "Moving house" in client.get("/ops/links/").content.decode()

    client.post(f"/ops/links/{shop.pk}/resume")
    shop.refresh_from_db()
    assert shop.status == "ACTIVE"


def test_a_connections_page_says_what_is_wrong_with_it_and_reads_its_feeds_again(shop: Connection, failed: int):
    feed = FeedState.objects.create(connection=shop, name="orders", cursor="c-7", documents=9, found=2)
    for n, status in enumerate((200, 200, 200, 500)):
        OutboundCall.objects.create(
            connection=shop, method="POST", url="https://shop.example/api", purpose=f"call {n}", status=status,
            failure_class="connection" if status == 500 else "", error="It broke" if status == 500 else "", duration_ms=40,
        )  # fmt: skip
    client = person(*ACT)

    page = client.get(f"/ops/links/{shop.pk}").content.decode()

    for words in (
        "Bad value at line_items[].price",
        "25.0 %",
        "40 ms",
        "call 0",
        "It broke",
        "2 that nobody had brought",
    ):
        assert words in page
    only = client.get(f"/ops/links/{shop.pk}?failed=1").content.decode()
    assert "call 3" in only
    assert "call 0" not in only
    client.post(f"/ops/links/{shop.pk}/feeds/orders")
    feed.refresh_from_db()
    assert feed.cursor == "c-7"
    client.post(f"/ops/links/{shop.pk}/feeds/orders", {"from": "start"})
    feed.refresh_from_db()
    assert feed.cursor == ""
    assert client.post(f"/ops/links/{shop.pk}/feeds/stock").status_code == 404


PAGES = ["/ops/messages/", "/ops/messages/{id}", "/ops/messages/{id}/raw", "/ops/links/", "/ops/links/{link}"]
POSTS = [
    "/ops/messages/{id}/reprocess", "/ops/messages/{id}/reprocess-alike", "/ops/messages/{id}/discard",
    "/ops/links/{link}/pause", "/ops/links/{link}/resume", "/ops/links/{link}/feeds/orders",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES + POSTS)
def test_nobody_sees_or_does_anything_without_permission(shop: Connection, failed: int, path: str):
    address = path.format(id=failed, link=shop.pk)
    method = "post" if path in POSTS else "get"

    assert getattr(Client(), method)(address).status_code in {302, 401}
    assert getattr(person(), method)(address).status_code == 403
    if path in POSTS:
        assert getattr(person(*VIEW), method)(address).status_code == 403
        assert person(*ACT).get(address).status_code == 405


def test_what_is_not_there_is_404(shop: Connection):
    client = person(*ACT)

    assert client.get("/ops/messages/987654").status_code == 404
    assert client.post("/ops/links/00000000-0000-0000-0000-000000000000/resume").status_code == 404


def test_the_list_offers_what_came_in_since(shop: Connection, placed: int):
    client = person(*ACT)
    assert "new</a>" not in client.get(f"/ops/messages/new?since={placed}").content.decode()

    deliver(shop, "draft_orders_create", "draft_orders/create")

    assert "1 new</a>" in client.get(f"/ops/messages/new?since={placed}").content.decode()


def test_pages_take_a_fixed_number_of_queries(shop: Connection, placed: int, query_count: Any):
    client = person(*ACT)

    with query_count("messages-list", lambda: client.get("/ops/messages/")):
        for _ in range(10):
            inbox.process(deliver(shop, "draft_orders_create", "draft_orders/create"))
    with query_count("connections", lambda: client.get("/ops/links/")):
        for n in range(3):
            Connection.objects.create(code=f"erp-{n}", name="Books", kind="ERP", vendor="tryton")
    with query_count("connection", lambda: client.get(f"/ops/links/{shop.pk}")):
        for n in range(3):
            OutboundCall.objects.create(connection=shop, method="GET", url="https://shop.example/", status=200)
            FeedState.objects.create(connection=shop, name=f"feed-{n}")
    query_count("message", lambda: client.get(f"/ops/messages/{placed}"))


def test_the_books_of_messages_hold(shop: Connection, placed: int, failed: int):
    from core.audit import audit as examine

    assert audit.register
    assert [finding.invariant.name for finding in examine("integrations.") if finding.broken] == []


def test_metrics_tell_what_waits_and_who_is_troubled(shop: Connection, failed: int):
    from core import metrics

    page = metrics.page().decode()

    assert 'backroom_messages_unfinished{connection="shopify-web",status="failed"} 1.0' in page
    assert 'backroom_connection_up{connection="shopify-web"} 1.0' in page


def test_a_webhook_is_set_up_tried_rotated_and_replayed_on_screen(settings, query_count):
    from integrations.models import WebhookSubscription

    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    client = person("view_webhooksubscription", "manage_webhook")
    empty = client.get("/ops/webhooks/").content.decode()
    form = {"name": "Our tool", "url": "http://127.0.0.1:9/", "event_types": ["case.opened"], "payload": "FULL"}
    refused = client.post("/ops/webhooks/new", form | {"url": "gopher://x", "event_types": []})
    shown = client.post("/ops/webhooks/new", form).content.decode()
    made = WebhookSubscription.objects.get()
    where = f"/ops/webhooks/{made.code}"

    assert "No webhooks yet" in empty
    assert (refused.status_code, "Choose at least one" in refused.content.decode()) == (422, True)
    assert "whsec_" in shown
    for page in ("/ops/webhooks/", where, f"{where}/edit", f"{where}/replay?since=2026-01-01T00:00"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode()
    assert "whsec_" in client.post(f"{where}/rotate", {"hours": "1"}).content.decode()
    assert client.post(f"{where}/edit", form | {"v": "1", "name": "Their tool"}).status_code == 303
    assert client.post(f"{where}/edit", form | {"v": "1"}).status_code == 409
    assert client.post(f"{where}/test").status_code == 303
    assert client.post(f"{where}/pause", {"reason": "Deployment"}).status_code == 303
    assert "Deployment" in client.get("/ops/webhooks/").content.decode()
    assert client.post(f"{where}/replay", {"since": "2026-01-01T00:00", "expected": "0"}).status_code == 409
    assert client.post(f"{where}/resume").status_code == 303
    assert client.get("/ops/webhooks/nobody").status_code == 404
    reader = person("view_webhooksubscription")
    assert reader.get(where).status_code == 200
    assert reader.post(f"{where}/test").status_code == 403
    with query_count("webhooks", lambda: client.get("/ops/webhooks/")):
        for n in range(3):
            client.post("/ops/webhooks/new", form | {"name": f"Tool {n}"})
