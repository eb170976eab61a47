"""Items, places and stock for tests. Stock arrives by movements, so the books balance from the start."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import factory
from factory.django import DjangoModelFactory

from core.models import Site
from inventory.models import Item, ItemAlias, Location, LocationKind, Stock, StockMovement


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"site-{n}")
    name = factory.LazyAttribute(lambda o: o.code.title())


class ItemFactory(DjangoModelFactory):
    class Meta:
        model = Item

    sku = factory.Sequence(lambda n: f"SKU-{n:05}")
    name = factory.LazyAttribute(lambda o: f"Article {o.sku}")


class ItemAliasFactory(DjangoModelFactory):
    class Meta:
        model = ItemAlias

    system = "webshop"
    code = factory.Sequence(lambda n: f"variant-{n}")
    item = factory.SubFactory(ItemFactory)


class LocationFactory(DjangoModelFactory):
    class Meta:
        model = Location

    code = factory.Sequence(lambda n: f"loc-{n}")
    name = factory.LazyAttribute(lambda o: o.code.title())
    kind = LocationKind.WAREHOUSE
    country = "GB"
    site = factory.SubFactory(SiteFactory, code=factory.SelfAttribute("..code"))


class StockFactory(DjangoModelFactory):
    """`StockFactory(sellable=5)`: a row with an opening movement for each state that isn't zero."""

    class Meta:
        model = Stock
        skip_postgeneration_save = True

    item = factory.SubFactory(ItemFactory)
    location = factory.SubFactory(LocationFactory)
    sellable = 10

    @factory.post_generation
    def ledger(self: Stock, create: bool, extracted: Any, **_: Any) -> None:
        if not create:
            return
        for state in ("sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in"):
            if quantity := getattr(self, state):
                StockMovement.objects.create(
                    item_id=self.item_id,
                    quantity=quantity,
                    from_state="opening",
                    to_location_id=self.location_id,
                    to_state=state,
                    key=f"opening:{uuid4()}",
                    cause_kind="stock",
                    cause_uid=str(self.pk),
                    actor_kind="SYSTEM",
                    actor_uid="test",
                    actor_label="Test",
                )
        self.refresh_from_db()
