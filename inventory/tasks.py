"""Wake-ups from the beat: each makes one call."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache

from inventory.services import counts, differences, paces, plans, reservations, snapshots, uploads, velocity

_SWEPT = "inventory:differences-swept-up-to"  # losing it only means looking at a few thousand movements again


@shared_task
def expire_reservations() -> None:
    reservations.expire()


@shared_task
def settle_counts() -> None:
    counts.settle_due()


@shared_task
def sweep_differences() -> None:
    """Late facts and corrections: what the books say now of the moments sources spoke of."""
    _, last = differences.sweep(since_movement=cache.get(_SWEPT) or 0)
    cache.set(_SWEPT, last, None)


@shared_task
def resolve_snapshots() -> None:
    """Items and aliases made known by other ways than the screens."""
    snapshots.resolve_waiting()


@shared_task
def measure_sell_rates() -> None:
    velocity.measure()


@shared_task
def open_planned_counts() -> None:
    plans.open_due()


@shared_task
def measure_paces() -> None:
    paces.measure_due()


@shared_task
def take_upload(job_id: int) -> None:
    uploads.run(job_id)
