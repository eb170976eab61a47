"""What returns do by the clock. Each is one call, and harmless to repeat."""

from __future__ import annotations

from celery import shared_task

from core import wake
from core.actors import SYSTEM
from returns.services import advance, requests, signals, tracking


@shared_task(ignore_result=True)
def expire_returns() -> None:
    """Approved returns that were never sent, or were lost on their way, are not waited for any longer."""
    for return_id in requests.due():
        requests.expire(return_id, actor=SYSTEM)
    tracking.lose_silent(actor=SYSTEM)


@shared_task
def measure_signals() -> None:
    """Twice a day: what stands out among returns is measured anew."""
    wake.task(measure_signals_now, signals.start(actor=SYSTEM).pk)


@shared_task
def measure_signals_now(job_id: int) -> None:
    signals.work_off(job_id, actor=SYSTEM)


@shared_task
def charge_overdue_exchanges() -> None:
    """The goods of an advance exchange never came: its hold is taken. One that ends before is asked for anew."""
    advance.keep_held(actor=SYSTEM)
    advance.charge_overdue(actor=SYSTEM)
