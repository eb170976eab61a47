"""Receiving, inspecting, disposing and exchanging by a program."""

from __future__ import annotations

import pytest

from integrations.models import ApiClient
from inventory.models import Stock
from returns.models import Inspection
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import ChannelFactory
from tests.orders.conftest import Api
from tests.returns.bench import approved, sold

pytestmark = pytest.mark.django_db


@pytest.fixture
def wms(client):
    _, key = ApiClient.issue("WMS", scopes=["returns:read", "returns:write", "returns:approve"])
    return Api(client, key)


@pytest.fixture
def rma():
    item, leeds = ItemFactory(sku="MUG"), LocationFactory(code="leeds", returns=True)
    return approved(sold((item, 3)), (item, 3), at=leeds)


def test_from_receipt_to_shelf(wms, rma):
    here = f"/api/v1/returns/{rma.number}"

    came = wms.post(f"{here}/receipts", {"location": "leeds", "code": "MUG", "quantity": 2}, idempotency_key="a")
    again = wms.post(f"{here}/receipts", {"location": "leeds", "code": "MUG", "quantity": 2}, idempotency_key="a")
    assert (came.status_code, again.json()["id"]) == (201, came.json()["id"])
    short = wms.post(f"{here}/receipts/finish", {"location": "leeds"})
    assert short.json()["data"] == [{"line": 1, "sku": "MUG", "short": 1}]

    seen = wms.post(
        f"{here}/inspections", {"location": "leeds", "line": 1, "grade": "A", "quantity": 1, "disposition": "RULE"}
    )
    assert seen.json()["dispositions"][0]["disposition"] == "RESTOCK"
    open_ = wms.post(f"{here}/inspections", {"location": "leeds", "line": 1, "grade": "D", "verdict": "REVIEW"})
    early = wms.post(f"{here}/dispositions", {"inspection": open_.json()["id"], "disposition": "SCRAP"})
    assert (early.status_code, early.json()["code"]) == (409, "not_accepted")
    wms.post(f"{here}/inspections/{open_.json()['id']}/decide", {"verdict": "ACCEPTED"})
    placed = wms.post(f"{here}/dispositions", {"inspection": open_.json()["id"], "disposition": "OUTLET"})
    assert placed.json()["state"] == "damaged"

    row = Stock.objects.get()
    assert (row.sellable, row.damaged, row.awaiting_inspection) == (1, 1, 0)
    assert len(wms.get(f"{here}/dispositions").json()["data"]) == 2
    assert [each["grade"] for each in wms.get(f"{here}/inspections").json()["data"]] == ["A", "D"]
    assert len(wms.get(f"{here}/receipts").json()["data"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("receipts", {"location": "leeds", "code": "MUG", "quantity": 0}, 400, "invalid"),
        ("receipts", {"location": "leeds", "code": "MUG", "quantity": True}, 400, "invalid"),
        ("receipts", {"location": "nowhere", "code": "MUG"}, 422, "unknown_reference"),
        ("receipts", {"location": "leeds", "code": "NOBODY"}, 422, "unknown_code"),
        ("receipts", {"location": "leeds", "code": "MUG", "quantity": 4}, 409, "nothing_left"),
        ("receipts", {"location": "leeds", "code": "MUG", "line": 9}, 422, "invalid"),
        ("inspections", {"location": "leeds", "line": 1, "grade": "Z"}, 400, "invalid"),
        ("inspections", {"location": "leeds", "line": 1, "grade": "A"}, 409, "nothing_left"),
        ("dispositions", {"inspection": 1, "disposition": "SCRAP"}, 422, "invalid"),
        ("exchanges", {"items": []}, 400, "invalid"),
        ("exchanges", {"items": [{"sku": "NOBODY"}]}, 422, "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(wms, rma, path, body, status, code):
    answer = wms.post(f"/api/v1/returns/{rma.number}/{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Stock.objects.exists()
    assert not Inspection.objects.exists()


def test_a_key_sees_its_own_channels_and_sites_only(client, rma):
    LocationFactory(code="york")
    outlet, key = ApiClient.issue("Outlet", scopes=["returns:read", "returns:write"])
    outlet.channels.add(ChannelFactory(code="outlet"))
    leeds, key_here = ApiClient.issue("Leeds", scopes=["returns:read", "returns:write"])
    leeds.sites.add(rma.location.site)
    foreign, near = Api(client, key), Api(client, key_here)
    there = f"/api/v1/returns/{rma.number}/receipts"

    assert foreign.get(there).status_code == 404
    assert near.post(there, {"location": "york", "code": "MUG"}).status_code == 422
    assert near.post(there, {"location": "leeds", "code": "MUG"}).status_code == 201
