"""The cases stock can open, each with the question that proves it."""

from __future__ import annotations

from exceptions import reasons
from inventory import (
    count_reasons,
    inspection_reasons,
    origins,
    place_reasons,
    publishing_reasons,
    selling_reasons,
    snapshot_reasons,
    transfer_reasons,
    unnamed_reasons,
)


def register() -> None:
    """Called once when the app is ready."""
    for reason in (
        *count_reasons.REASONS,
        *inspection_reasons.REASONS,
        *place_reasons.REASONS,
        *publishing_reasons.REASONS,
        *selling_reasons.REASONS,
        *unnamed_reasons.REASONS,
        *snapshot_reasons.REASONS,
        *transfer_reasons.REASONS,
    ):
        reasons.register(reason)
    origins.register()
