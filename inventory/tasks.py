"""Wake-ups from the beat: each makes one call."""

from __future__ import annotations

from celery import shared_task

from inventory.services import counts, reservations


@shared_task
def expire_reservations() -> None:
    reservations.expire()


@shared_task
def settle_counts() -> None:
    counts.settle_due()
