"""Orders of one account that arrive at the same moment share its credit, and never more than there is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.actors import SYSTEM
from orders.models import Hold, Order
from orders.services import credit, intake
from tests.factories.accounts import AccountFactory
from tests.factories.inventory import ItemFactory, StockFactory
from tests.factories.orders import ChannelFactory, incoming, incoming_line
from tests.orders.test_races import at_once, books_balance

pytestmark = pytest.mark.django_db(transaction=True)


def test_orders_that_race_for_the_last_of_the_credit_do_not_both_get_it():
    StockFactory(item=ItemFactory(sku="SKU-1"), sellable=1_000)
    account = AccountFactory(code="HALDEN", credit_limit=Decimal(100))
    channel = ChannelFactory()
    orders = [
        incoming(incoming_line(quantity=4), channel_ref=str(n), account="HALDEN", payment_state="pending")
        for n in range(6)
    ]

    at_once(*[lambda order=order: intake.place(order, channel=channel, actor=SYSTEM) for order in orders])

    owed = credit.exposures([account.pk])[account.pk]
    assert Order.objects.count() == 6
    assert (owed.total, owed.orders, owed.held_orders) == (Decimal(80), 2, 4)
    assert Hold.objects.standing().filter(type="CREDIT").count() == 4
    books_balance()
