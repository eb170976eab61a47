"""Units told apart on the handheld, at the desk and over the API."""

from __future__ import annotations

import re

import pytest

from core.actors import SYSTEM, Actor
from core.subjects import Subject
from integrations.models import ApiClient
from inventory.models import Count, CountLine, CountStatus, Transfer, TransferDiscrepancy
from inventory.services import counts, movements, transfers
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.inventory.test_count_screens import COUNTER, DESK, HTMX, person, send
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db
ABOUT = {"cause": Subject("test", "1"), "actor": SYSTEM}
JONAH, AMIRA = Actor("PERSON", "1", "Jonah"), Actor("PERSON", "2", "Amira")
WORKER = ("view_transfer", "work_transfer")


@pytest.fixture
def place():
    return LocationFactory(code="LEEDS", name="Leeds")


@pytest.fixture
def lamp(place):
    item = ItemFactory(sku="LAMP", name="Ash lamp", tracking="SERIAL")
    movements.receive(item.pk, place.pk, 3, serials=("S1", "S2", "S3"), key="lamps", **ABOUT)
    return item


@pytest.fixture
def on_its_way(place, lamp):
    hull = LocationFactory(code="HULL", name="Hull")
    transfer = transfers.request(place.pk, hull.pk, [(lamp.pk, 2)], actor=JONAH)
    transfers.approve(transfer, actor=AMIRA)
    for code in ("S1", "S2"):
        transfers.pick(transfer, code=code, actor=JONAH)
    transfers.ship(transfer, actor=JONAH)
    return transfer


def test_serials_are_scanned_on_the_handheld_and_an_unknown_one_is_given_to_its_item(client, place, lamp):
    client.force_login(person(*COUNTER))
    count = counts.request(place.pk, [lamp.pk], cause=None, actor=AMIRA)
    here = f"/s/LEEDS/counts/{count}"
    client.post(f"{here}/start", headers=HTMX)

    page = client.get(here).content.decode()
    article = send(client, f"{here}/scan", "LAMP")
    send(client, f"{here}/scan", "S1")
    unknown = send(client, f"{here}/scan", "S9")
    line = CountLine.objects.get()
    given = client.post(f"{here}/unknown", {"code": "S9", "line": line.pk}, headers=HTMX)

    assert "Scan each serial number" in page
    assert not re.search(r"\bS3\b", page)  # a token of the page may hold the two by chance
    assert 'data-codes="null"' in page
    assert (article.status_code, unknown.status_code, given.status_code) == (422, 422, 200)
    assert "It is a Ash lamp" in unknown.content.decode()
    assert {lot.code for lot in line.lots.all()} == {"S1", "S9"}
    typed = client.post(f"{here}/enter", {"code": "S2", "line": line.pk, "quantity": "1"}, headers=HTMX)
    assert typed.status_code == 200
    client.post(f"{here}/finish", headers=HTMX)
    assert Count.objects.get().status == CountStatus.POSTED

    client.force_login(person(*DESK))
    desk = client.get(f"/stock/counts/{count}").content.decode()
    assert "S3</span> not found, books 1, <b>-1</b>, posted -1" in desk


def test_what_came_in_the_box_is_scanned_by_serial_and_settled_one_by_one(client, place, lamp, on_its_way):
    client.force_login(person(*WORKER, "settle_transfer"))
    there = f"/s/HULL/transfers/{on_its_way}"

    send(client, f"{there}/scan", "S1")
    foreign = send(client, f"{there}/scan", "S3").content.decode()
    client.post(f"{there}/unexpected", {"code": "S3"}, headers=HTMX)
    page = client.get(there).content.decode()
    client.post(f"{there}/receive", {"differs": "on"}, headers=HTMX)
    desk = client.get(f"/stock/transfers/{on_its_way}").content.decode()

    assert "It did come in this box" in foreign
    assert "LAMP S2</b> 0 of 1" in page
    assert "1 of LAMP S3 mis-shipped" in desk
    assert "The books have this serial elsewhere" in desk
    for each, answer in ((TransferDiscrepancy.objects.get(code="S2"), "NEVER_LEFT"),
                         (TransferDiscrepancy.objects.get(code="S3"), "FROM_ORIGIN")):  # fmt: skip
        settle = {"discrepancy": each.pk, "resolution": answer}
        assert client.post(f"/stock/transfers/{on_its_way}/settle", settle, headers=HTMX).status_code == 200
    assert Transfer.objects.get().status == "RECEIVED"


def test_the_api_tells_and_takes_serials(client, place, lamp, on_its_way):
    _, key = ApiClient.issue("WMS", scopes=["stock:read", "stock:write"])
    api = Api(client, key)
    path = f"/api/v1/transfers/TR-{on_its_way}"
    line = {"sku": "LAMP", "found": 2, "lots": [{"code": "S1"}, {"code": "S2", "damaged": 1}]}

    unnamed = api.post(f"{path}/receive", {"lines": [{"sku": "LAMP", "found": 2}]})
    twice = api.post(f"{path}/receive", {"lines": [{**line, "lots": [{"code": "S1"}, {"code": "S1"}]}]})
    done = api.post(f"{path}/receive", {"lines": [{**line, "damaged": 1}]})

    assert (unnamed.status_code, twice.status_code, done.status_code) == (422, 422, 200)
    (told,) = done.json()["lines"]
    assert told["lots"][1] == {
        "code": "S2", "picked": 1, "shipped": 1, "found": 1, "damaged": 1, "received": 1,
    }  # fmt: skip
    count = api.post("/api/v1/counts", {"location": "LEEDS", "skus": ["LAMP"]}).json()
    counts.scan(int(count["number"][3:]), code="S3", actor=JONAH)
    (seen,) = api.get(f"/api/v1/counts/{count['number']}").json()["lines"]
    assert seen["lots"] == [
        {"code": "S3", "counted": 1, "expected_low": None, "expected_high": None, "difference": None, "posted": 0}
    ]
