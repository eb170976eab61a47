"""Stock, its ledger, counts and transfers over HTTP."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from integrations.models import ApiClient
from inventory.models import Count, Item, Location, Stock, Transfer
from inventory.services import counts, movements, snapshots, sources, transfers
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db
LEAD = Actor("PERSON", "7", "Priya")


@pytest.fixture
def api(client):
    for sku, shelf in (("MUG", "HULL"), ("CUP", "HULL"), ("MUG", "YORK")):
        place(shelf)
        stocked(sku, shelf, 8)
    _, key = ApiClient.issue("WMS", scopes=["stock:read", "stock:write"])
    return Api(client, key)


def place(code):

    return Location.objects.filter(code=code).first() or LocationFactory(code=code)


def item(sku):

    return Item.objects.filter(sku=sku).first() or ItemFactory(sku=sku)


def stocked(sku, code, units):
    about = {"key": f"open:{sku}:{code}", "cause": Subject("stock", "1"), "actor": SYSTEM}
    movements.adjust(item(sku).pk, place(code).pk, units, reason="FOUND", **about)


def test_stock_is_listed_page_by_page_and_narrowed(api):
    first = api.get("/api/v1/stock", {"page_size": 2}).json()
    rest = api.get("/api/v1/stock", {"page_size": 2, "after": first["next"]}).json()
    mugs = api.get("/api/v1/stock", {"sku": "MUG", "location": "HULL"}).json()["items"]

    listed = [(row["sku"], row["location"], row["free"]) for row in first["items"] + rest["items"]]
    assert sorted(listed) == [("CUP", "HULL", 8), ("MUG", "HULL", 8), ("MUG", "YORK", 8)]
    assert rest["next"] is None
    assert [(row["sku"], row["location"]) for row in mugs] == [("MUG", "HULL")]


@pytest.mark.parametrize("query", [{"sku_": "x"}, {"location": "NOWHERE"}, {"state": "shiny"}, {"page_size": "0"}])
def test_a_list_refuses_what_it_is_not_narrowed_by(api, query):
    assert api.get("/api/v1/stock", query).status_code == 400


def test_the_ledger_is_listed_newest_first(api):
    found = api.get("/api/v1/stock/movements", {"location": "HULL"}).json()["items"]

    assert [(row["sku"], row["quantity"], row["from"]["state"], row["to"]) for row in found] == [
        ("CUP", 8, "found", {"location": "HULL", "state": "sellable"}),
        ("MUG", 8, "found", {"location": "HULL", "state": "sellable"}),
    ]


def test_a_count_is_asked_for_and_read_without_the_books_while_it_is_blind(api):
    asked = api.post("/api/v1/counts", {"location": "HULL", "skus": ["MUG", "CUP"], "note": "Shelf 4"})
    counts.enter(Count.objects.get().pk, line_id=Count.objects.get().lines.first().pk, quantity=3, actor=LEAD)

    assert asked.status_code == 201
    read = api.get(asked.headers["Location"]).json()
    assert (read["status"], read["note"]) == ("COUNTING", "Shelf 4")
    assert sorted((line["sku"], line["difference"]) for line in read["lines"]) == [("CUP", None), ("MUG", None)]
    assert [row["number"] for row in api.get("/api/v1/counts", {"place": "HULL"}).json()["items"]] == [read["number"]]


def test_an_unknown_sku_or_place_is_named_by_its_path(api):
    answer = api.post("/api/v1/counts", {"location": "MARS", "skus": ["MUG", "NIX"]})

    assert answer.status_code == 422
    assert [problem["path"] for problem in answer.json()["errors"]] == ["skus[1]", "location"]
    assert not Count.objects.exists()


def test_a_transfer_is_asked_for_followed_and_taken_in(api):
    asked = api.post(
        "/api/v1/transfers",
        {
            "origin": "HULL",
            "destination": "YORK",
            "lines": [{"sku": "MUG", "quantity": 3}, {"sku": "MUG", "quantity": 1}],
        },
    )
    transfer = Transfer.objects.get()
    transfers.approve(transfer.pk, actor=LEAD)
    transfers.pick(transfer.pk, code="MUG", quantity=4, actor=LEAD)
    transfers.ship(transfer.pk, actor=LEAD)
    where = asked.headers["Location"]
    short = {"lines": [{"sku": "MUG", "found": 3, "damaged": 1}]}

    refused = api.post(f"{where}/receive", short)
    taken = api.post(f"{where}/receive", short | {"accept_differences": True})

    assert asked.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (422, "differs")
    assert (taken.status_code, taken.json()["status"]) == (200, "DISCREPANT")
    assert [(each["kind"], each["quantity"]) for each in taken.json()["discrepancies"]] == [("SHORT", 1)]
    at_york = Stock.objects.get(item__sku="MUG", location__code="YORK")
    assert (at_york.sellable, at_york.damaged, at_york.in_transit_in) == (10, 1, 1)
    assert [row["status"] for row in api.get("/api/v1/transfers", {"origin": "HULL"}).json()["items"]] == ["DISCREPANT"]


def test_a_key_without_the_scope_changes_nothing(api, client):
    _, key = ApiClient.issue("Reader", scopes=["stock:read"])
    reader = Api(client, key)

    assert reader.post("/api/v1/counts", {"location": "HULL", "skus": ["MUG"]}).status_code == 403
    assert reader.get("/api/v1/counts/CT-999").status_code == 404
    assert not Count.objects.exists()


def worked(api, sku):
    """A transfer, a count and a snapshot about one SKU."""
    lines = [{"sku": sku, "quantity": 1}]
    api.post("/api/v1/transfers", {"origin": "HULL", "destination": "YORK", "lines": lines})
    api.post("/api/v1/counts", {"location": "HULL", "skus": [sku]})
    wms = sources.ensure("wms", name="WMS", kind="WMS", actor=SYSTEM)
    told = IncomingSnapshot(sku, timezone.now(), (ReportedLine((Code(sku),), "HULL", "on hand", 1),))
    snapshots.take(wms, told, cause=Subject("test", "1"), actor=SYSTEM)


def test_lists_take_a_fixed_number_of_queries_however_long_they_are(api, query_count):
    worked(api, "MUG")

    with ExitStack() as every:
        for name in ("stock", "stock/movements", "stock/snapshots", "stock/differences", "counts", "transfers"):
            counted = f"api-{name.replace('/', '-')}-list"
            every.enter_context(query_count(counted, lambda name=name: api.get(f"/api/v1/{name}")))
        worked(api, "CUP")
        stocked("CAP", "HULL", 3)

    assert len(api.get("/api/v1/stock/differences").json()["items"]) == 2
