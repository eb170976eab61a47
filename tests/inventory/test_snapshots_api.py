"""A system says over HTTP what it believes, and reads where it disagrees."""

from __future__ import annotations

import pytest

from core.actors import SYSTEM
from integrations.models import ApiClient
from inventory.models import StockDifference, StockSnapshot
from inventory.services import sources
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.orders.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client):
    sources.ensure("wms", name="WMS", kind="WMS", actor=SYSTEM)
    StockFactory(item=ItemFactory(sku="COAT"), location=LocationFactory(code="LEEDS"), sellable=8)
    _, key = ApiClient.issue("WMS", scopes=["stock:read", "stock:write"])
    return Api(client, key)


def body(**fields):
    line = {"sku": "COAT", "location": "LEEDS", "status": "on hand", "quantity": 5}
    line |= {name.removeprefix("line__"): fields.pop(name) for name in list(fields) if name.startswith("line__")}
    return {"source": "wms", "ref": "S-1", "as_of": "2026-03-02T09:30:00Z", "lines": [line]} | fields


def take(api, **fields):
    return api.post("/api/v1/stock/snapshots", body(**fields))


def test_a_snapshot_is_taken_once_and_its_difference_is_read(api):
    first, again = take(api), take(api)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]
    found = api.get("/api/v1/stock/differences").json()["items"]
    assert [(each["sku"], each["units"], each["by_state"]) for each in found] == [("COAT", -3, {"sellable": -3})]
    assert api.get(first.headers["Location"]).json()["compared"] == 1
    assert [each["ref"] for each in api.get("/api/v1/stock/snapshots", {"source": "wms"}).json()["items"]] == ["S-1"]


def test_words_that_need_a_person_are_202_and_named(api):
    answer = take(api, line__status="hospital")

    assert (answer.status_code, answer.json()["unresolved"]) == (202, 1)
    left_out = api.get(answer.headers["Location"]).json()["left_out"]
    assert [(each["status"], each["problem"]) for each in left_out] == [("hospital", "unmapped_status")]


def test_several_figures_of_one_thing_are_added_up_and_it_is_said(api):
    line = body()["lines"][0]

    answer = take(api, lines=[line, line | {"quantity": 1}])

    assert StockDifference.objects.get().units == -2
    assert answer.json()["remarks"] == ["Added up: 1 figures that came in several lines of one item, place and status."]


def test_the_reference_of_another_snapshot_is_refused(api):
    take(api)

    answer = take(api, line__quantity=6)

    assert (answer.status_code, answer.json()["code"]) == (409, "ref_reused")
    assert StockDifference.objects.get().units == -3


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"line__quantity": "5"}, "lines[0].quantity"),
        ({"line__quantity": True}, "lines[0].quantity"),
        ({"line__quantity": 2**70}, ""),
        ({"line__sku": ""}, "lines[0].sku"),
        ({"as_of": "2026-03-02T09:30:00"}, "as_of"),
        ({"as_of": "2226-03-02T09:30:00Z"}, "as_of"),
        ({"as_of": "1926-03-02T09:30:00Z"}, "as_of"),
        ({"as_of": "1969-12-31T09:30:00Z"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, "as_of"),
        ({"as_of": "2026-03-02T09:30:00+25:00"}, "as_of"),
        ({"as_of": 1772443800}, "as_of"),
        ({"as_of": "1772443800"}, "as_of"),
        ({"line__quantity": 5.0}, "lines[0].quantity"),
        ({"line__quantity": "\u22125"}, "lines[0].quantity"),
        ({"line__status": "on\u0007hand"}, "lines[0].status"),
        ({"line__location": " "}, "lines[0].location"),
        ({"lines": []}, "lines"),
        ({"role": "admin"}, "role"),
    ],
)
def test_what_makes_no_sense_is_400_and_nothing_is_kept(api, fields, path):
    answer = take(api, **fields)

    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["path"] == path
    assert not StockSnapshot.objects.exists()


def test_too_many_lines_at_once_are_413(api):
    assert take(api, lines=[body()["lines"][0]] * 10_001).status_code == 413


def test_a_source_nobody_has_set_up_is_404_and_a_key_needs_its_scope(api, client):
    _, key = ApiClient.issue("Reader", scopes=["stock:read"])

    unknown = take(api, source="erp")
    assert (unknown.status_code, unknown.json()["errors"][0]["path"]) == (404, "source")
    assert take(Api(client, key)).status_code == 403
    assert api.get("/api/v1/stock/differences", {"colour": "red"}).status_code == 400
    assert api.get("/api/v1/stock/differences", {"beyond": "false"}).json()["items"] == []
