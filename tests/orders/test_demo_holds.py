"""The demo's rules of holds are rules one may keep, and stop what they are for."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from config.demo import holding
from core.models import User
from orders.models import Hold, HoldRule, PriceListEntry
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import ChannelFactory

pytestmark = pytest.mark.django_db


def test_the_demos_rules_stop_the_orders_they_are_for():
    ChannelFactory(code="wholesale", kind="WHOLESALE")
    person = User.objects.create(email="admin@example.com")
    person.groups.add(Group.objects.get_or_create(name="Integration")[0])
    StockFactory(item=ItemFactory(sku="MUG"), sellable=50, location=LocationFactory(kind="WAREHOUSE"))

    holding.make(lambda words: None)
    holding.make(lambda words: None)

    assert HoldRule.objects.filter(code__in=[rule.code for rule in holding.RULES]).count() == len(holding.RULES)
    assert PriceListEntry.objects.get().sku == "MUG"
    held = dict(Hold.objects.order_by("pk").values_list("order__channel_number", "type"))
    assert held == {"PL-2": "PRICE", "PL-3": "FRAUD"}
