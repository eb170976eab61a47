"""The orders one measures by are books like any other: nothing of them is out of step, and nothing is missing."""

from __future__ import annotations

import pytest

from config.demo import bulk
from core import audit
from finance.models import Charge, OrderMoney
from finance.services import charges
from orders.models import Order
from tests.factories.orders import ChannelFactory

pytestmark = pytest.mark.django_db


def test_orders_in_bulk_balance_and_the_ledger_has_nothing_to_add():
    bulk.batch(ChannelFactory(code="imported", currency="GBP"), 1, 40)

    broken = [finding.invariant.name for finding in audit.audit() if finding.broken]
    added = sum(charges.keep(pk) for pk in Order.objects.values_list("pk", flat=True))

    assert broken == []
    assert added == 0
    assert OrderMoney.objects.filter(outstanding=0).count() == 40
    assert Charge.objects.filter(kind="refund").count() == 4
