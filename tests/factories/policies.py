"""Sourcing policies as a person makes them, and an article that makes a choice of node worth it."""

from __future__ import annotations

from typing import Any

from core.actors import SYSTEM
from inventory.models import Item
from orders.models import Channel, NodeTerms, PolicyVersion
from orders.services import policies
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory

CHEAPEST = [{"name": "cheapest", "split": True, "criteria": [{"name": "shipping_cost"}, {"name": "priority"}]}]


def lamp() -> Item:
    """An article at a near, dear store and at a far, cheap warehouse."""
    item = ItemFactory(sku="SKU-1", weight_grams=1000)
    for code, kind, lat, parcel in (("LEEDS", "STORE", 53.8, 9), ("LONDON", "WAREHOUSE", 51.5, 3)):
        where = LocationFactory(code=code, name=code.title(), kind=kind, lat=lat, lon=-1.5, country="GB")
        NodeTerms.objects.create(location=where, currency="GBP", parcel=parcel, handling=1)
        StockFactory(item=item, location=where, sellable=10)
    return item


def drafted(rules: Any = CHEAPEST, code: str = "cheap", channel: Channel | None = None) -> PolicyVersion:
    return policies.create(code, code.title(), channel=channel, rules=rules, actor=SYSTEM)


def live(rules: Any = CHEAPEST, code: str = "cheap", channel: Channel | None = None) -> PolicyVersion:
    version = drafted(rules, code, channel)
    policies.watch(version.pk, version=None, actor=SYSTEM)
    return policies.go_live(version.pk, version=None, actor=SYSTEM)
