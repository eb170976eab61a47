"""The label of a return, from an account that speaks EasyPost: bought once, from the customer to us, given back."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest

from core.errors import TryLater
from exceptions.models import Case
from integrations.carriers import returning
from returns.services import labels
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.returns import CLERK, returned, service, sold
from tests.integrations.test_carriers import account, paid, server, shipments

__all__ = ["account", "server"]
pytestmark = pytest.mark.django_db
CENTRE = {"line1": "1 Quay", "city": "Hull", "postal_code": "HU1", "country": "GB"}


@pytest.fixture
def wanted(account):
    ItemFactory(sku="SKU-1", weight_grams=400)
    LocationFactory(code="centre", name="Returns centre", kind="RETURNS_CENTRE", returns=True, address=CENTRE)
    service(connection="easypost", vendor_carrier="RoyalMail", vendor_service="Tracked48")
    return labels.want(returned(sold()).pk, actor=CLERK)


def test_a_label_of_the_way_back_is_bought_once_whatever_is_repeated(wanted, server):
    for kind in ("500", "lose_answer"):
        server.account.faults[kind] = 1
        with contextlib.suppress(TryLater):
            returning.carry(wanted.pk)
    returning.carry(wanted.pk)
    returning.carry(wanted.pk)

    wanted.refresh_from_db()
    made = next(each for each in shipments(server) if each["postage_label"])
    assert (wanted.status, wanted.tracking_number) == ("BOUGHT", made["tracking_code"])
    assert bytes(wanted.content).startswith(b"%PDF")
    assert paid(server) == 1
    assert made["is_return"] is True
    assert (made["from_address"]["street1"], made["to_address"]["street1"]) == ("4 Park Row", "1 Quay")
    assert wanted.cost is not None
    assert wanted.cost > Decimal(0)


def test_a_label_given_back_is_asked_back_and_a_refused_one_is_a_case(wanted, server):
    returning.carry(wanted.pk)
    labels.void(wanted.pk, actor=CLERK)
    returning.carry(wanted.pk)

    wanted.refresh_from_db()
    assert wanted.status == "VOIDED"
    again = labels.want(wanted.request_id, actor=CLERK)
    server.account.faults["no_rates"] = 1
    returning.carry(again.pk)
    again.refresh_from_db()
    assert again.status == "FAILED"
    case = Case.objects.get(reason="returns.label_failed")
    assert labels.want(wanted.request_id, actor=CLERK).status == "WANTED"
    case.refresh_from_db()
    assert case.status == "RESOLVED"
