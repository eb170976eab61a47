"""How delivery and collection options read in the API."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from inventory.models import Item
from orders import currencies
from orders.services.options import Offer


def skus_of(items: Collection[int]) -> dict[int, str]:
    return dict(Item.objects.filter(pk__in=items).values_list("pk", "sku")) if items else {}


def shape(offer: Offer) -> dict[str, Any]:
    skus = skus_of({lack.item_id for lack in offer.lacking})
    return {
        "delivery": [
            {
                "service": option.service,
                "carrier": option.carrier,
                "name": option.name,
                "cost": currencies.rounded(option.cost, option.currency),
                "currency": option.currency,
                "leaves_at": option.leaves_at,
                "arrives_by": option.arrives_by,
                "locations": option.from_locations,
                "parcels": len(option.from_locations),
            }
            for option in offer.deliveries
        ],
        "pickup": [
            {
                "location": option.location,
                "name": option.name,
                "ready_by": option.ready_by,
                "distance_km": option.distance_km,
                "lacking": [{"sku": sku, "units": units} for sku, units in option.lacking],
            }
            for option in offer.collections
        ],
        "lacking": [
            {
                "sku": skus.get(lack.item_id, ""),
                "wanted": lack.wanted,
                "available": lack.available,
                "expected_at": lack.expected_at,
            }
            for lack in offer.lacking
        ],
    }
