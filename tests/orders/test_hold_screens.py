"""The screens of holds, their rules, the price list and changes, over HTTP: who sees what, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from core.models import User
from inventory.models import Stock
from orders.models import Hold, HoldRule, Order, OrderChange, PriceListEntry
from orders.services import hold_rules
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming_line, place
from tests.orders.test_holds import ANNA, over, rule
from tests.orders.test_screens import person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@harrow.example", "correct horse battery"))
    return client


@pytest.fixture
def stocked() -> Any:
    location = LocationFactory(code="LEEDS", name="Leeds", pickup=True)
    for sku in ("SKU-1", "SKU-2"):
        StockFactory(item=ItemFactory(sku=sku), location=location, sellable=50)
    return location


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def test_the_queue_takes_a_fixed_number_of_queries(boss: Client, stocked: Any, query_count: Any) -> None:
    rule(tests=[over()])
    place(incoming_line(quantity=11), channel_ref="1")

    with query_count("orders-holds", lambda: boss.get("/orders/holds/")):
        for n in range(2, 6):
            place(incoming_line(quantity=11), channel_ref=str(n))


@pytest.mark.parametrize(
    ("asked", "found"), [("", 2), ("?type=FRAUD", 1), ("?late=true", 0), ("?status=RESOLVED", 0), ("?rule=big", 1)]
)
def test_holds_are_narrowed_by_the_address(boss: Client, stocked: Any, asked: str, found: int) -> None:
    rule(tests=[over()])
    place(incoming_line(quantity=11), channel_ref="1")
    place(channel_ref="2", payment_state="pending")

    assert boss.get(f"/orders/holds/{asked}").content.decode().count('<tr id="hold-') == found
    assert boss.get("/orders/holds/?type=NONE").status_code == 400


def test_holds_of_other_sites_are_not_there(client: Client, stocked: Any) -> None:
    place(payment_state="pending")
    client.force_login(person("orders.view_hold", sites=[LocationFactory(code="YORK").site]))

    assert client.get("/orders/holds/").content.decode().count('<tr id="hold-') == 0
    assert client.get("/ops/holds/").status_code == 403


def test_a_person_decides_on_the_orders_page(boss: Client, stocked: Any) -> None:
    rule(tests=[over()])
    order = place(incoming_line(quantity=11))
    page = boss.get(f"/orders/{order.number}").content.decode()
    assert "Worth more than £100.00." in page

    stale = boss.post(f"/orders/{order.number}/holds/FRAUD/reject", {"v": order.version + 5}, headers=HTMX)
    done = boss.post(f"/orders/{order.number}/holds/FRAUD/reject", {"v": order.version, "note": "Stolen"}, headers=HTMX)

    assert (stale.status_code, done.status_code) == (409, 204)
    assert Hold.objects.get().status == "REJECTED"
    assert Order.objects.get().status == "CANCELLED"


def test_a_rule_is_built_test_by_test_tried_out_and_saved(boss: Client, stocked: Any) -> None:
    place(incoming_line(quantity=11), channel_ref="1")
    place(channel_ref="2")
    form = {"code": "big", "name": "Big orders", "kind": "FRAUD", "trigger": "INTAKE", "blocks": "RELEASE",
            "minutes": "30", "then": "", "note": "", "active": "1"}  # fmt: skip
    assert "Comes with Backroom" in boss.get("/ops/holds/").content.decode()

    added = boss.post("/ops/holds/form", form | {"add": "total_over"}, headers=HTMX).content.decode()
    assert 'name="t0_amount"' in added
    form |= {"t0_test": "total_over", "t0_amount": "100", "t0_currency": "GBP"}
    tried = boss.post("/ops/holds/try", form, headers=HTMX).content.decode()
    bad = boss.post("/ops/holds/new", form | {"t0_amount": "lots", "code": "new"}, headers=HTMX)
    saved = boss.post("/ops/holds/new", form, headers=HTMX)

    assert "hold 1 of the latest 2 orders" in tried
    assert (bad.status_code, saved.status_code) == (422, 204)
    assert "must be a decimal string" in boss.post("/ops/holds/try", form | {"t0_amount": "x"}).content.decode()
    made = HoldRule.objects.get()
    assert (made.code, made.minutes, made.tests[0]["amount"]) == ("big", 30, "100.0000")
    assert "Big orders" in boss.get("/ops/holds/big").content.decode()
    stale = boss.post("/ops/holds/big", form | {"v": "9"}, headers=HTMX)
    assert stale.status_code == 409


def test_prices_are_put_in_force_by_the_list_and_bad_lines_are_named(boss: Client) -> None:
    ChannelFactory()
    bad = boss.post("/ops/holds/prices/", {"channel": "webshop", "prices": "A, ten\nB, 5\nB, 6\nC, 1, 200"})
    assert bad.status_code == 422
    assert not PriceListEntry.objects.exists()

    boss.post("/ops/holds/prices/", {"channel": "webshop", "prices": "A, 10, 5\nB,2.50"})
    boss.post("/ops/holds/prices/", {"channel": "webshop", "prices": "A,12"})

    page = boss.get("/ops/holds/prices/").content.decode()
    assert page.count('<tr id="price-') == 2
    assert "£12.00" in page
    assert PriceListEntry.objects.filter(sku="A").count() == 2


def test_a_change_is_shown_before_it_is_made_and_made_as_it_was_shown(boss: Client, stocked: Any) -> None:
    order = place(incoming_line(quantity=3))
    line = order.lines.get()
    form = {f"q_{line.pk}": "5", "add_sku": "SKU-2", "add_quantity": "1", "add_price": "4", "method": "SHIP"}

    seen = boss.post(f"/orders/{order.number}/change/preview", form).content.decode()
    assert Stock.objects.get(item__sku="SKU-1").reserved == 3
    assert "£24.00" in seen
    sent = {name: hidden(seen, name) for name in ("edits", "token", "key", "v")}
    done = boss.post(f"/orders/{order.number}/change/confirm", sent, headers=HTMX)
    again = boss.post(f"/orders/{order.number}/change/confirm", sent, headers=HTMX)

    assert (done.status_code, again.status_code) == (204, 204)
    assert OrderChange.objects.get().created_by
    assert Stock.objects.get(item__sku="SKU-1").reserved == 5
    assert "SKU-2" in boss.get(f"/orders/{order.number}/changes").content.decode()
    late = boss.post(f"/orders/{order.number}/change/confirm", sent | {"key": "other"}, headers=HTMX)
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Nothing is changed yet"),
        ({"q": "-1"}, "whole number"),
        ({"q": "2", "add_sku": "NOBODY", "add_quantity": "1"}, "Nobody knows the article"),
        ({"method": "PICKUP", "place": ""}, "Nothing can be collected"),
        ({"a_country": "XYZ", "a_city": "Hull"}, "Country"),
        ({"all": "1"}, "Cancel what has not left"),
    ],
)
def test_a_form_that_can_not_be_done_says_why(boss: Client, stocked: Any, form: dict[str, str], words: str) -> None:
    order = place(incoming_line(quantity=3))
    line = order.lines.get()
    sent = {f"q_{line.pk}" if name == "q" else name: value for name, value in form.items()}

    page = boss.post(f"/orders/{order.number}/change/preview", sent)

    assert page.status_code == 200
    assert words in page.content.decode()
    assert not OrderChange.objects.exists()


def test_only_who_may_change_orders_may(client: Client, stocked: Any) -> None:
    order = place()
    client.force_login(person("orders.view_order"))

    assert client.get(f"/orders/{order.number}/change").status_code == 403
    assert client.post(f"/orders/{order.number}/change/confirm", {"edits": "[]"}).status_code == 403
    assert hold_rules.chosen_by_people() == []
    assert ANNA.label
