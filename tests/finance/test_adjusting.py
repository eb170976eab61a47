"""Units found and lost reach the ERP once each, whatever is repeated, refused or lost on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core import actors, outbox
from core.subjects import Subject
from exceptions.models import Case
from integrations.erp import adjusting
from integrations.erp.tryton.client import Rest
from integrations.models import StockDocument
from inventory.services import movements
from tests.factories.inventory import ItemFactory, LocationFactory

pytestmark = pytest.mark.django_db
MODEL = "stock.shipment.internal"


@pytest.fixture
def place():
    return LocationFactory(code="MAIN")


@pytest.fixture
def connected(erp):
    erp.add_products("TEE", "CAP")
    since = (timezone.now() - timedelta(days=1)).isoformat()
    return erp.connect(adjustments_since=since, warehouses={"MAIN": "MAIN"})


def adjust(place, sku, change, key, reason="OTHER"):
    item = ItemFactory(sku=sku)
    about = {"cause": Subject("count", "1", "Count 1"), "actor": actors.SYSTEM, "key": key}
    movements.adjust(item.pk, place.pk, change, reason=reason, **about)


def there(connection):
    fields = ("reference", "state", "number", "from_location", "to_location", "moves")
    return Rest(connection).find(MODEL, [["state", "!=", "cancelled"]], fields)


def tell():
    adjusting.prepare()
    outbox.drain(hurry=True)


def test_each_adjustment_is_one_done_document_with_its_number_here(connected, place):
    adjust(place, "TEE", 5, "count:1")
    adjust(place, "CAP", 3, "found:2", "FOUND")
    adjust(place, "HAT", 4, "snapshot:3", "SNAPSHOT")

    tell()
    tell()

    told = there(connected)
    documents = StockDocument.objects.order_by("pk")
    assert [(each.status, each.document["direction"]) for each in documents] == [("POSTED", "found")] * 2
    assert {each.erp_number for each in documents} == {each["number"] for each in told}
    assert [each["state"] for each in told] == ["done", "done"]
    (move,) = told[0]["moves"][0][1]
    assert (move["quantity"], move["from_location"] == told[0]["from_location"]) == (5, True)


def test_a_lost_answer_makes_no_second_one(erp, connected, place):
    adjust(place, "TEE", 5, "count:1")
    erp.control(lose_next={"create": 1, "do": 1})

    tell()

    (document,) = StockDocument.objects.all()
    (made,) = there(connected)
    assert (document.status, document.erp_number) == ("POSTED", made["number"])


def test_a_product_missing_there_is_a_case_until_it_is_known(erp, connected, place):
    adjust(place, "NEW-ONE", 5, "count:1")
    tell()
    (document,) = StockDocument.objects.all()
    case = Case.objects.get(reason=adjusting.REASON)

    erp.add_products("NEW-ONE")
    adjusting.retry(document.pk, actor=actors.SYSTEM)
    outbox.drain(hurry=True)

    assert "NEW-ONE" in document.last_error
    document.refresh_from_db()
    case.refresh_from_db()
    assert (document.status, case.is_open) == ("POSTED", False)
