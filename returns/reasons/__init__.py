"""The cases a return can open, a module for each kind of trouble. Each module's REASONS are registered."""

from __future__ import annotations

from exceptions import reasons
from returns.reasons import bench, clocks, exchanges, parcels, requests, signals

MODULES = (bench, clocks, exchanges, parcels, requests, signals)


def register() -> None:
    """Called once when the app is ready."""
    for module in MODULES:
        for reason in module.REASONS:
            reasons.register(reason)
