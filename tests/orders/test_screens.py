"""The order screens over HTTP: what is shown to whom, filters in the address, refusals that change nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core.actors import SYSTEM
from core.models import Event, User
from orders.api.v1 import shapes
from orders.canonical import Buyer, IncomingPayment
from orders.edits import ChangeQuantity
from orders.models import FulfilmentOrder, Hold, Order, OrderStatus
from orders.services import changing, fulfilment, standing
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import PLACED_AT, incoming_line, place

pytestmark = pytest.mark.django_db


def person(*permissions: str, sites: Any = (), email: str = "a@harrow.example") -> User:
    user = User.objects.create_user(email, "correct horse battery", name="Amira Khan")
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    user.sites.set(sites)
    return user


@pytest.fixture
def everyone(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


@pytest.fixture
def stocked() -> Any:
    location = LocationFactory(code="LEEDS")
    StockFactory(item=ItemFactory(sku="SKU-1", gtin="2000000010014"), location=location, sellable=10)
    return location


def released(order: Order) -> FulfilmentOrder:
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order)


def test_the_list_takes_a_fixed_number_of_queries(everyone: Client, stocked: Any, query_count: Any) -> None:
    place(channel_ref="1")

    with query_count("orders-list", lambda: everyone.get("/orders/")):
        for n in range(2, 8):
            place(channel_ref=str(n))


def test_the_list_its_download_and_the_api_say_what_the_money_events_come_to(everyone: Client, stocked: Any) -> None:
    def money(ref: str, kind: str, amount: str) -> IncomingPayment:
        return IncomingPayment(ref=ref, kind=kind, amount=Decimal(amount), currency="GBP", at=PLACED_AT)

    captured = money("p", "captured", "10.00")
    place(channel_ref="1", payments=(captured,))
    back = place(channel_ref="2", payments=(captured, money("r", "refunded", "4.00")))
    held = place(channel_ref="3", payments=(money("a", "authorised", "10.00"),), payment_state="authorised")
    told = place(channel_ref="4", payment_state="pending")

    page = everyone.get("/orders/").content.decode()
    rows = {row.split('"', 1)[0]: row for row in page.split('id="order-')[1:]}
    download = b"".join(everyone.get("/orders/export.csv").streaming_content).decode().splitlines()

    assert ("Partly refunded" in rows[str(back.pk)], "says paid" in rows[str(back.pk)]) == (True, True)
    assert ("Authorised" in rows[str(held.pk)], "says" in rows[str(held.pk)].split("</tr>")[0]) == (True, False)
    assert "Pending" in rows[str(told.pk)]
    assert [row.rsplit(",", 1)[1] for row in download[1:]] == ["pending", "Authorised", "Partly refunded", "Paid"]
    stands = standing.several([back.pk, held.pk, told.pk])
    assert stands == {
        each.pk: standing.of(each, list(each.lines.all()), list(each.payments.order_by("at", "pk"))).state
        for each in (back, held)
    }
    said = shapes.summary(back, stands[back.pk])
    assert (said["payment_state"], said["payment"]) == (
        "paid", {"state": "partly_refunded", "captured": Decimal(10), "refunded": Decimal(4), "held": 0}
    )  # fmt: skip
    assert shapes.summary(told, stands.get(told.pk))["payment"] is None


def test_the_list_offers_what_came_in_since_under_its_own_filters(everyone: Client, stocked: Any) -> None:
    seen = place(channel_ref="1")
    assert "new</a>" not in everyone.get(f"/orders/new?since={seen.pk}").content.decode()

    place(channel_ref="2")
    place(incoming_line("NOBODY-KNOWS"), channel_ref="3")

    assert "2 new</a>" in everyone.get(f"/orders/new?since={seen.pk}").content.decode()
    narrowed = everyone.get(f"/orders/new?since={seen.pk}&needs=unmapped").content.decode()
    assert "1 new</a>" in narrowed
    assert 'href="/orders/?needs=unmapped"' in narrowed
    assert everyone.get("/orders/new?since=½&status=NO-SUCH").status_code == 400


def test_a_download_holds_the_filtered_list_no_buyer_and_no_formula(everyone: Client, stocked: Any) -> None:
    place(channel_ref="=1+1", buyer=Buyer(name="Ada Lovelace", email="ada@example.com"))
    place(incoming_line("NOBODY-KNOWS"), channel_ref="2")

    whole = b"".join(everyone.get("/orders/export.csv").streaming_content).decode()
    narrowed = b"".join(everyone.get("/orders/export.csv?needs=unmapped").streaming_content).decode()

    assert len(whole.splitlines()) == 3
    assert "'=1+1" in whole
    assert "ada@" not in whole
    assert "lovelace" not in whole.lower()
    assert len(narrowed.splitlines()) == 2
    assert everyone.get("/orders/export.csv?status=NO-SUCH").status_code == 400


def test_the_order_page_takes_a_fixed_number_of_queries(everyone: Client, stocked: Any, query_count: Any) -> None:
    StockFactory(item=ItemFactory(sku="SKU-2"), location=stocked, sellable=10)
    StockFactory(item=ItemFactory(sku="SKU-3"), location=stocked, sellable=10)
    small = place(incoming_line("SKU-1"), channel_ref="1")
    released(small)
    large = place(*[incoming_line(f"SKU-{n}", 2) for n in (1, 2, 3)], channel_ref="2")
    released(large)
    asked = [small.number]

    with query_count("orders-detail", lambda: everyone.get(f"/orders/{asked[-1]}")):
        asked.append(large.number)


def test_what_the_buyer_asked_for_stands_on_the_orders_page(everyone: Client, stocked: Any) -> None:
    order = place(incoming_line("SKU-1"), note="Ring twice\nMug, Engraving: <Anna>", po_number="PO-7")

    page = everyone.get(f"/orders/{order.number}").content.decode()

    assert "<p>Ring twice</p><p>Mug, Engraving: &lt;Anna&gt;</p>" in page
    assert "PO-7" in page


def test_who_was_told_takes_a_fixed_number_of_queries(everyone: Client, stocked: Any, query_count: Any) -> None:
    order = place(incoming_line("SKU-1", 4))

    def change(units: int) -> None:
        fewer = [ChangeQuantity(line="line-SKU-1", quantity=units)]
        changing.confirm(order.pk, fewer, version=None, actor=SYSTEM, key=str(units))

    change(3)
    told = query_count("orders-told", lambda: everyone.get(f"/orders/{order.number}/told"))
    changes = query_count("orders-changes", lambda: everyone.get(f"/orders/{order.number}/changes"))
    with told, changes:
        change(2)
        change(1)

    assert "1 unit of SKU-1" in everyone.get(f"/orders/{order.number}/told").content.decode()


def test_the_pick_list_takes_a_fixed_number_of_queries(everyone: Client, stocked: Any, query_count: Any) -> None:
    released(place(channel_ref="1"))

    with query_count("orders-site", lambda: everyone.get(f"/s/{stocked.site.code}/")):
        for n in range(2, 6):
            released(place(channel_ref=str(n)))


@pytest.mark.parametrize(
    ("asked", "found"),
    [("", 2), ("?status=ACCEPTED", 1), ("?needs=unmapped", 1), ("?q=1001", 1), ("?q=SKU-1", 1), ("?q=nothing", 0),
     ("?status=ACCEPTED&status=RECEIVED", 2), ("?channel=webshop", 2)],
)  # fmt: skip
def test_filters_live_in_the_address(everyone: Client, stocked: Any, asked: str, found: int) -> None:
    place(channel_ref="1001")
    place(incoming_line("WHO-KNOWS"), channel_ref="1002")

    page = everyone.get(f"/orders/{asked}")

    assert page.status_code == 200
    assert page.content.decode().count('<tr id="order-') == found


@pytest.mark.parametrize(
    "asked", ["?status=LOST", "?sort=total", "?after=garbage", "?channel=elsewhere", "?placed_from=soon"]
)
def test_a_filter_that_makes_no_sense_is_named_not_ignored(everyone: Client, asked: str) -> None:
    assert everyone.get(f"/orders/{asked}").status_code == 400


def test_a_person_of_another_site_sees_neither_order_nor_work(client: Client, stocked: Any) -> None:
    order = place(channel_ref="1")
    work = released(order)
    stranger = person("orders.view_order", "orders.view_fulfilmentorder", sites=[LocationFactory(code="YORK").site])
    client.force_login(stranger)

    assert client.get("/orders/").content.decode().count('<tr id="order-') == 0
    assert client.get(f"/orders/{order.number}").status_code == 404
    assert client.get(f"/orders/{order.number}/why").status_code == 404
    assert client.get(f"/s/{stocked.site.code}/").status_code == 404
    assert client.get(f"/s/{stocked.site.code}/pick/{work.number}").status_code == 404
    assert client.get(f"/fulfilments/{work.number}").status_code == 404
    for page in ("ready/", "handover", "outbox", "batches/1", f"ready/{work.number}"):
        assert client.get(f"/s/{stocked.site.code}/{page}").status_code == 404


def test_whoever_may_only_look_can_change_nothing(client: Client, stocked: Any) -> None:
    order = place(channel_ref="1")
    work = released(order)
    client.force_login(person("orders.view_order", "orders.view_fulfilmentorder"))
    base = f"/s/{stocked.site.code}/pick/{work.number}"

    answers = [
        client.post(f"/orders/{order.number}/cancel"),
        client.post(f"/orders/{order.number}/hold"),
        client.post(f"{base}/accept"),
        client.post(f"{base}/decline"),
        client.post(f"/s/{stocked.site.code}/scans", {"scans": []}, content_type="application/json"),
        client.post(f"/s/{stocked.site.code}/batches"),
        client.post(f"/s/{stocked.site.code}/ready/{work.number}/hand-over"),
    ]

    assert [a.status_code for a in answers] == [403] * 7
    order.refresh_from_db()
    work.refresh_from_db()
    assert (order.status, work.status) == (OrderStatus.ACCEPTED, "OPEN")


def test_a_stale_screen_is_told_and_changes_nothing(everyone: Client, stocked: Any) -> None:
    work = released(place(channel_ref="1"))
    base = f"/s/{stocked.site.code}/pick/{work.number}"
    everyone.post(f"{base}/accept", {"v": work.version})

    answer = everyone.post(f"{base}/start", {"v": work.version}, headers={"HX-Request": "true"})

    assert answer.status_code == 409
    assert 'data-status="ACCEPTED"' in answer.content.decode()
    work.refresh_from_db()
    assert work.status == "ACCEPTED"


@pytest.mark.parametrize("quantity", ["", "0", "-1", "1e3", "٣", "9" * 12, "true"])
def test_a_short_pick_needs_a_whole_number(everyone: Client, stocked: Any, quantity: str) -> None:
    work = released(place(channel_ref="1"))
    base = f"/s/{stocked.site.code}/pick/{work.number}"
    everyone.post(f"{base}/start")
    line = work.lines.get()

    answer = everyone.post(f"{base}/short", {"line": line.pk, "quantity": quantity, "reason": "NOT_FOUND"})

    assert answer.status_code == 422
    line.refresh_from_db()
    assert line.quantity == 1


def test_contact_is_masked_until_asked_for_and_the_asking_is_recorded(everyone: Client, stocked: Any) -> None:
    from orders.canonical import Buyer

    order = place(channel_ref="1", buyer=Buyer(name="Nadia Osei", email="nadia@example.com", phone="+44 7700 900123"))

    page = everyone.get(f"/orders/{order.number}").content.decode()
    assert "nadia@example.com" not in page
    assert "900123" not in page

    shown = everyone.post(f"/orders/{order.number}/contact").content.decode()
    assert "nadia@example.com" in shown
    assert Event.objects.filter(type="order.contact_shown", subject_uid=str(order.pk)).count() == 1


def test_a_hold_by_hand_stands_until_a_person_lifts_it(everyone: Client, stocked: Any) -> None:
    order = place(channel_ref="1")

    everyone.post(f"/orders/{order.number}/hold", {"reason": "Customer called"})
    assert Hold.objects.standing().get().reason == "Customer called"
    again = everyone.post(f"/orders/{order.number}/hold", {"reason": "Again"})
    assert again.status_code == 409

    everyone.post(f"/orders/{order.number}/holds/MANUAL/release")
    assert Hold.objects.standing().count() == 0


def test_an_unknown_hold_type_is_refused_without_a_trace(everyone: Client, stocked: Any) -> None:
    order = place(channel_ref="1")

    assert everyone.post(f"/orders/{order.number}/holds/NONSENSE/release").status_code == 404
