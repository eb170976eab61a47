"""The item page and finding items, over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from core import screens
from core.actors import SYSTEM
from core.models import User
from core.subjects import Subject
from inventory.models import Stock
from inventory.services import movements, reservations
from inventory.services.reservations import Want
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db


def person(*permissions: str, sites=()) -> User:
    user = User.objects.create_user(f"{len(permissions)}@harrow.example", "correct horse battery", name="Amira Khan")
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    user.sites.set(sites)
    return user


@pytest.fixture
def coat() -> Stock:
    item = ItemFactory(sku="COAT/10 A", gtin="2000000010014", name="Waxed coat")
    ItemAliasFactory(system="webshop", code="v-4711", item=item)
    return StockFactory(item=item, location=LocationFactory(code="LEEDS", name="Leeds"), sellable=10)


def hold(stock: Stock, uid: str = "order:7:1") -> None:
    want = Want("1", stock.item_id, stock.location_id, 3)
    reservations.hold(uid, [want], actor=SYSTEM, cause=Subject("order", "7", "BR-7"))


def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_the_item_page_shows_places_movements_and_promises_with_their_causes(client, coat):
    hold(coat)

    page = signed_in(client, person("inventory.view_item")).get("/stock/COAT/10 A").content.decode()

    assert "Waxed coat" in page
    assert "Leeds" in page
    assert "Opening balance" in page
    assert 'href="/orders/BR-7"' in page
    assert "v-4711" in page


def test_another_sites_stock_movements_and_promises_are_not_shown(client, coat):
    elsewhere = StockFactory(item=coat.item, location=LocationFactory(code="YORK", name="York"), sellable=77)
    hold(coat)

    page = signed_in(client, person("inventory.view_item", sites=[elsewhere.location.site])).get("/stock/COAT/10 A")

    body = page.content.decode()
    assert "York" in body
    assert "LEEDS" not in body
    assert "BR-7" not in body
    assert ">77<" in body


def test_the_page_needs_its_permission_and_an_item_that_exists(client, coat):
    assert signed_in(client, person()).get("/stock/COAT/10 A").status_code == 403
    assert signed_in(client, person("inventory.view_item")).get("/stock/NOTHING").status_code == 404
    client.logout()
    assert client.get("/stock/COAT/10 A").status_code == 302


def test_a_full_width_sku_in_the_address_finds_its_item(client, coat):
    assert signed_in(client, person("inventory.view_item")).get("/stock/ＣＯＡＴ/10 A").status_code == 200


def test_the_item_page_takes_a_fixed_number_of_queries(client, coat, query_count):
    hold(coat)
    signed_in(client, person("inventory.view_item"))

    with query_count("stock-item", lambda: client.get("/stock/COAT/10 A")):
        for n in range(5):
            more = StockFactory(item=coat.item, sellable=10)
            hold(more, f"order:8:{n}")
            about = {"key": f"x{n}", "cause": Subject("delivery", "7", "D-7"), "actor": SYSTEM}
            movements.adjust(more.item_id, more.location_id, 1, **about)


@pytest.mark.parametrize("text", ["COAT/10 A", "coat/10 a", "2000000010014", "v-4711", "ＣＯＡＴ/10 A"])
def test_search_finds_an_item_by_any_of_its_names(coat, text):
    found = [hit for hit in screens.search(person("inventory.view_item"), text) if hit.kind == "Item"]

    assert [(hit.title, hit.exact) for hit in found] == [("COAT/10 A", True)]
    assert found[0].url == "/stock/COAT/10%20A"


def test_search_finds_items_whose_sku_begins_so_and_nothing_without_permission(coat):
    ItemFactory(sku="COAT/11")

    assert {hit.title for hit in screens.search(person("inventory.view_item"), "coat/")} == {"COAT/10 A", "COAT/11"}
    assert [hit for hit in screens.search(person(), "COAT/11") if hit.kind == "Item"] == []
