"""An authorisation that is about to end while the goods are still here is a case."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from exceptions.models import Case
from exceptions.services import cases
from orders.canonical import IncomingPayment
from orders.models import Order
from orders.reasons.payments import REASONS
from orders.services import payments
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, place

pytestmark = pytest.mark.django_db
EXPIRES = REASONS[0]


def paid(kind: str, *, days: int, ref: str = "A-1") -> None:
    at = timezone.now() - timedelta(days=days)
    event = IncomingPayment(ref=ref, kind=kind, amount=Order.objects.get().total, currency="GBP", at=at)
    payments.record("1001", [event], channel=ChannelFactory(), actor=SYSTEM)


@pytest.mark.parametrize(("days", "cases_open"), [(2, 0), (6, 1)])
def test_it_opens_two_days_before_the_authorisation_ends(days, cases_open):
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=5)
    place(payment_state="authorised", payments=())
    paid("authorised", days=days)

    cases.open_standing([EXPIRES.code])

    assert Case.objects.filter(reason=EXPIRES.code).count() == cases_open


def test_it_clears_once_the_money_is_captured():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=5)
    order = place(payment_state="authorised", payments=())
    paid("authorised", days=6)
    cases.open_standing([EXPIRES.code])
    case = Case.objects.get(reason=EXPIRES.code)

    paid("captured", days=0, ref="C-1")
    cases.recheck_case(case.pk)

    case.refresh_from_db()
    assert case.outcome == "cleared"
    assert case.value == order.total
    assert EXPIRES.evidence(str(order.pk))[0].rows
