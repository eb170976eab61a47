"""What the workers do for core. Each is one call; the beat table is in config/celery.py."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from core import health, idempotency, jobs, outbox, seal, wake

RELAY_SECONDS = 12.0  # less than a soft shutdown waits, so that stopping a worker interrupts nothing


@shared_task(ignore_result=True)
def relay(queue: str) -> None:
    """Dispatch what is due in `queue`; call for another turn if time runs out first."""
    wake.heard(queue)
    if queue == outbox.SLOW:
        with wake.turn(queue, max(1, settings.OUTSIDE_SLOTS // 4)) as mine:
            over = not mine or outbox.relay(queue, seconds=RELAY_SECONDS)
    else:
        over = outbox.relay(queue, seconds=RELAY_SECONDS)
    if not over:
        wake.now(queue)


@shared_task(ignore_result=True)
def canary(queue: str) -> None:
    """Sent by the beat, consumed by a worker: when this stops arriving, one of the two has stalled."""
    health.beat(f"worker:{queue}")


@shared_task(ignore_result=True)
def purge_idempotency_keys() -> None:
    idempotency.purge()


@shared_task(ignore_result=True)
def watch_jobs() -> None:
    jobs.watch()


@shared_task(ignore_result=True)
def seal_events() -> None:
    seal.seal()
