"""The cases an order can open, a module for each kind of trouble. Each module's REASONS are registered."""

from __future__ import annotations

from exceptions import reasons
from orders.reasons import (
    accounts,
    asked,
    basic,
    by_hand,
    changes,
    collections,
    disagreements,
    instructions,
    messages,
    origins,
    parcels,
    partners,
    payments,
    rescuing,
    sourcing,
    supply,
    vans,
    warehouse,
)

MODULES = (
    accounts,
    asked,
    basic,
    by_hand,
    changes,
    collections,
    disagreements,
    instructions,
    messages,
    parcels,
    partners,
    payments,
    rescuing,
    sourcing,
    supply,
    vans,
    warehouse,
)


def register() -> None:
    """Called once when the app is ready."""
    for module in MODULES:
        for reason in module.REASONS:
            reasons.register(reason)
    origins.register()
