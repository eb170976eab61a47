"""Screens for lots, serial numbers and the parts of a kit."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from core.actors import SYSTEM
from core.models import User
from core.subjects import Subject
from inventory.models import Item
from inventory.services import kits, movements
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("test", "1"), "actor": SYSTEM}


def signed_in(client, *permissions, sites=()):
    user = User.objects.create_user("a@harrow.example", "correct horse battery", name="Amira Khan")
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    user.sites.set(sites)
    client.force_login(user)
    return client


@pytest.fixture
def lamps():
    lamp = ItemFactory(sku="LAMP/1", tracking="SERIAL")
    leeds, york = LocationFactory(code="LEEDS"), LocationFactory(code="YORK")
    movements.receive(lamp.pk, leeds.pk, 3, serials=("AL-1", "AL-2", "AL-3"), key="1", **ABOUT)
    movements.receive(lamp.pk, york.pk, 1, serials=("AL-9",), key="2", **ABOUT)
    movements.issue(lamp.pk, leeds.pk, 1, serials=("AL-2",), key="3", **ABOUT)
    return lamp, leeds, york


def test_each_unit_is_listed_where_it_lies(client, lamps):
    page = signed_in(client, "inventory.view_item").get("/stock/LAMP/1/units").content.decode()

    assert all(code in page for code in ("AL-1", "AL-3", "AL-9"))
    assert "AL-2" not in page


def test_units_are_found_by_number_place_and_state_and_nonsense_is_400(client, lamps):
    signed_in(client, "inventory.view_item")

    narrowed = client.get("/stock/LAMP/1/units?q=al-&location=YORK&state=sellable").content.decode()
    nothing = client.get("/stock/LAMP/1/units?state=damaged").content.decode()

    assert ("AL-9" in narrowed, "AL-1" in narrowed) == (True, False)
    assert "No units match" in nothing
    assert client.get("/stock/LAMP/1/units?state=gone").status_code == 400


def test_people_see_the_units_of_their_sites_only(client, lamps):
    _, leeds, _ = lamps
    signed_in(client, "inventory.view_item", sites=[leeds.site])

    page = client.get("/stock/LAMP/1/units").content.decode()

    assert ("AL-1" in page, "AL-9" in page) == (True, False)
    assert client.get("/stock/LAMP/1/units?location=YORK").status_code == 400


def test_the_list_takes_a_fixed_number_of_queries(client, lamps, query_count):
    lamp, leeds, _ = lamps
    signed_in(client, "inventory.view_item")

    with query_count("stock-units", lambda: client.get("/stock/LAMP/1/units?location=LEEDS")):
        movements.receive(lamp.pk, leeds.pk, 5, serials=tuple(f"B-{n}" for n in range(5)), key="4", **ABOUT)


def test_a_kit_is_made_and_changed_on_its_page(client):
    kit, cup, spoon = ItemFactory(sku="TEA"), ItemFactory(sku="CUP"), ItemFactory(sku="SPOON 2")
    signed_in(client, "inventory.view_item", "inventory.change_item")

    made = client.post("/stock/TEA/parts", {"parts": "CUP 1\n\nSPOON 2 3\n"})
    shown = client.get("/stock/TEA").content.decode()

    assert made.status_code == 303
    assert kits.components([kit.pk]) == {kit.pk: sorted([(cup.pk, 1), (spoon.pk, 3)])}
    assert "Change parts" in shown
    assert "SPOON 2 3" in client.get("/stock/TEA/parts").content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CUP one", "Line 1: one is no quantity"),
        ("CUP 1\nCUP 2", "Line 2: CUP is there twice"),
        ("NOBODY 2", "Line 1: nobody knows NOBODY"),
        ("CUP 1000000", "from 1 to 10000"),
        ("TEA 1", "contain itself"),
        ("", "1 to 50"),
    ],
)
def test_parts_that_make_no_sense_change_nothing_and_stay_to_be_corrected(client, text, said):
    ItemFactory(sku="TEA"), ItemFactory(sku="CUP")
    signed_in(client, "inventory.view_item", "inventory.change_item")

    refused = client.post("/stock/TEA/parts", {"parts": text})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert said in page
    assert text.split("\n")[0] in page
    assert not Item.objects.filter(is_kit=True).exists()


def test_what_lies_on_shelves_or_may_not_be_changed_stays_as_it_is(client):
    StockFactory(item=ItemFactory(sku="CUP")), ItemFactory(sku="SPOON")
    signed_in(client, "inventory.view_item", "inventory.change_item")
    stocked = client.post("/stock/CUP/parts", {"parts": "SPOON 1"})
    client.logout()
    client.force_login(User.objects.create_user("b@harrow.example", "correct horse battery", name="B"))
    User.objects.get(email="b@harrow.example").user_permissions.add(Permission.objects.get(codename="view_item"))

    may_not = client.post("/stock/SPOON/parts", {"parts": "CUP 1"})

    assert (stocked.status_code, may_not.status_code) == (422, 403)
    assert not Item.objects.filter(is_kit=True).exists()
