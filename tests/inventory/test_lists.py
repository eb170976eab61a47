"""The lists of stock: by item, by place, and the ledger, over HTTP."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from inventory.models import Item, Stock
from inventory.services import movements, reservations
from inventory.services.reservations import Want
from tests.factories.inventory import ItemAliasFactory, ItemFactory, LocationFactory, StockFactory
from tests.inventory.test_screens import person, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def coats() -> dict[str, Stock]:
    """A coat at two places, a hat that is promised as a whole, and a scarf nobody has."""
    leeds, york = LocationFactory(code="LEEDS", name="Leeds"), LocationFactory(code="YORK", name="York")
    coat, hat = (
        ItemFactory(sku="COAT", gtin="2000000010014", name="Waxed coat"),
        ItemFactory(sku="HAT", name="Felt hat"),
    )
    ItemFactory(sku="SCARF", name="Long scarf")
    ItemAliasFactory(system="webshop", code="v-4711", item=hat)
    found = {
        "leeds": StockFactory(item=coat, location=leeds, sellable=1_200, damaged=3),
        "york": StockFactory(item=coat, location=york, sellable=34),
        "hat": StockFactory(item=hat, location=leeds, sellable=2),
    }
    reservations.hold("cart:1", [Want("1", hat.pk, leeds.pk, 2)], actor=SYSTEM)
    return found


@pytest.fixture
def seen(client: Client) -> Any:
    signed_in(client, person("inventory.view_item"))

    def ask(url: str, **headers: str) -> str:
        response = client.get(url, headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return ask


def skus(page: str) -> list[str]:
    return [sku for sku in ("COAT", "HAT", "SCARF") if f'href="/stock/{sku}"' in page]


def test_items_are_listed_with_their_units_over_all_places(coats, seen):
    page = seen("/stock/")

    assert skus(page) == ["COAT", "HAT", "SCARF"]
    assert "1,234" in page
    assert "3 items" in page


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("q=coa", ["COAT"]), ("q=2000000010014", ["COAT"]), ("q=v-4711", ["HAT"]), ("q=ＨＡＴ", ["HAT"]), ("q=%20", None),
        ("location=YORK", ["COAT"]), ("location=LEEDS&location=YORK", ["COAT", "HAT"]), ("state=damaged", ["COAT"]),
        ("state=damaged&location=YORK", []), ("state=reserved", ["HAT"]), ("needs=out", ["HAT"]),
        ("needs=blocked", ["COAT"]), ("needs=owed", []), ("needs=out&needs=blocked", ["COAT", "HAT"]),
    ],
)  # fmt: skip
def test_items_are_found_by_any_name_place_state_and_need(coats, seen, asked: str, expected: list[str] | None):
    page = seen(f"/stock/?{asked}")

    assert skus(page) == (["COAT", "HAT", "SCARF"] if expected is None else expected)
    assert ("No items match" in page) is (expected == [])


def test_units_are_those_of_the_places_asked_for(coats, seen):
    page = seen("/stock/?location=YORK")

    assert ">34<" in page
    assert "1,2" not in page


def test_people_of_one_site_see_its_units_only(coats, client):
    signed_in(client, person("inventory.view_item", sites=[coats["york"].location.site]))

    page = client.get("/stock/").content.decode()
    places = client.get("/stock/places/").content.decode()
    ledger = client.get("/stock/ledger/").content.decode()

    assert ">34<" in page
    assert "1,234" not in page
    assert 'value="LEEDS"' not in page
    assert ("York" in places, "Leeds" in places) == (True, False)
    assert ("YORK" in ledger, "LEEDS" in ledger) == (True, False)
    assert client.get("/stock/?location=LEEDS").status_code == 400
    assert client.get("/stock/ledger/?location=LEEDS").status_code == 400


def test_an_empty_company_is_told_how_stock_arrives(seen):
    assert "No items yet" in seen("/stock/")
    assert "No places yet" in seen("/stock/places/")
    assert "Nothing has moved yet" in seen("/stock/ledger/")


@pytest.mark.parametrize(
    "url",
    [
        "/stock/?sort=price", "/stock/?state=sold", "/stock/?needs=love", "/stock/?location=MOON", "/stock/?after=x", "/stock/?q=%00",
        "/stock/ledger/?recorded_from=soon", "/stock/ledger/?state=x", "/stock/ledger/?cause=x", "/stock/places/?kind=x",
        "/stock/export.csv?sort=price", "/stock/ledger/export.csv?state=x",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_is_refused(seen, client, url: str):
    assert client.get(url).status_code == 400


@pytest.mark.parametrize(
    "url", ["/stock/", "/stock/places/", "/stock/ledger/", "/stock/export.csv", "/stock/ledger/export.csv"]
)
def test_lists_need_their_permission(client, url: str):
    assert client.get(url).status_code == 302
    assert signed_in(client, person()).get(url).status_code == 403


def test_pages_follow_each_other_without_gap_in_either_direction(seen):
    for n in range(120):
        ItemFactory(sku=f"P-{n:03}")

    page = seen("/stock/")
    second = page.split('id="page-next" href="')[1].split('"')[0].replace("&amp;", "&")
    third = seen(second).split('id="page-next" href="')[1].split('"')[0].replace("&amp;", "&")

    assert "51 to 100 of 120" in seen(second)
    assert "P-119" in seen(third)
    back = seen(third).split('id="page-previous" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "P-050" in seen(back)
    assert "P-000" in seen("/stock/?sort=-sku&q=P-000")


def test_a_fragment_is_answered_to_htmx(coats, seen):
    page = seen("/stock/?q=coat", **{"HX-Request": "true", "HX-Request-Type": "partial"})

    assert page.lstrip().startswith('<div id="list">')


def test_places_are_listed_with_all_that_lies_there(coats, seen):
    page = seen("/stock/places/")

    assert "1,202" in page
    assert 'href="/stock/?location=LEEDS"' in page
    assert "York" not in seen("/stock/places/?q=lee")
    assert "No places match" in seen("/stock/places/?status=CLOSED")


def move(stock: Stock, change: int, **about: Any) -> None:
    movements.adjust(stock.item_id, stock.location_id, change, **{"actor": SYSTEM, **about})


def test_the_ledger_says_what_moved_where_why_and_when_it_was_heard(coats, seen):
    till = Actor("CONNECTION", "1", "Till 4")
    at = timezone.now() - timedelta(days=3)
    move(coats["york"], -5, key="a", cause=Subject("count", "9", "C-9"), actor=till, occurred_at=at, note="=cmd()")

    page = seen("/stock/ledger/?location=YORK&q=coat")

    assert "C-9" in page
    assert "Till 4" in page
    assert "heard" in page
    assert "Shrinkage" in page
    assert "2 movements" in page


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("", 5), ("q=hat", 1), ("location=YORK", 2), ("location=YORK&location=LEEDS", 5), ("state=shrinkage", 1),
        ("state=opening", 4), ("cause=count", 1), ("cause=order", 0), ("cause_uid=9", 1), ("happened_to=2020-01-02", 1),
        ("happened_from=2020-01-02&happened_to=2020-01-02", 0), ("recorded_from=2020-01-02", 5),
        ("recorded_to=2020-01-02", 0), ("q=nothing", 0),
    ],
)  # fmt: skip
def test_the_ledger_is_narrowed(coats, client, asked: str, count: int):
    at = datetime(2020, 1, 1, tzinfo=UTC)
    move(coats["york"], -5, key="a", cause=Subject("count", "9", "C-9"), occurred_at=at)
    signed_in(client, person("inventory.view_item"))

    response = client.get(f"/stock/ledger/?{asked}")

    assert response.content.decode().count('id="movement-') == count


def rows_of(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.DictReader(StringIO(text)))


def test_downloads_hold_what_the_list_shows_and_start_no_formula(coats, client):
    Item.objects.filter(sku="COAT").update(name="=HYPERLINK(1)")
    move(coats["york"], -5, key="a", cause=Subject("count", "9", "C-9"), note="@SUM(1)")
    signed_in(client, person("inventory.view_item"))

    stock = rows_of(client.get("/stock/export.csv?q=coat&sort=-sku"))
    ledger = rows_of(client.get("/stock/ledger/export.csv?state=shrinkage"))

    assert [(row["Location"], row["Free"], row["Name"]) for row in stock] == [
        ("LEEDS", "1200", "'=HYPERLINK(1)"), ("YORK", "29", "'=HYPERLINK(1)"),
    ]  # fmt: skip
    assert [(row["Units"], row["To state"], row["Note"]) for row in ledger] == [("5", "Shrinkage", "'@SUM(1)")]


def test_lists_take_a_fixed_number_of_queries(coats, client, query_count):
    signed_in(client, person("inventory.view_item"))

    def more() -> None:
        for _ in range(5):
            move(StockFactory(sellable=10), 1, key=str(Item.objects.count()), cause=Subject("count", "9", "C-9"))

    for name, url in (
        ("stock-list", "/stock/?location=LEEDS&state=sellable"), ("stock-places", "/stock/places/"),
        ("stock-ledger", "/stock/ledger/?location=LEEDS"),
    ):  # fmt: skip
        with query_count(name, lambda url=url: client.get(url)):
            more()
