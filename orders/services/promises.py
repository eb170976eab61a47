"""What the customer was told, and telling them anew: every change of a promise goes through here."""

from __future__ import annotations

from datetime import datetime

from orders import events as facts
from orders.services.desk import Desk


def set_(desk: Desk, promise_by: datetime | None, why: str) -> bool:
    """Promise the order by another moment, and say why: whoever tells customers hears of it. Not saved.

    Whether anything changed: the same promise again is no news.
    """
    before = desk.order.promise_by
    if before == promise_by:
        return False
    desk.order.promise_by = promise_by
    desk.note(
        facts.PROMISE_CHANGED,
        {"before": before and before.isoformat(), "after": promise_by and promise_by.isoformat(), "why": why},
    )
    return True
