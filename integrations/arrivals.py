"""When to look at a message: what is due, who is woken, and what an arrival sets free."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

from core.best_effort import BestEffort

log = logging.getLogger(__name__)

HINT = "inbox-woken"
HINT_SECONDS = 5
# kombu and redis raise many kinds; none may fail the caller.
_waking = BestEffort("inbox.not_woken", Exception)


def wake_on_commit() -> None:
    transaction.on_commit(wake, robust=True)


def wake() -> bool:
    """Tell a worker there is something to process: one hint at a time, and none at all costs only seconds."""
    return getattr(settings, "RELAY_WAKES", True) and _waking.ask(_hint, False)


def _hint() -> bool:
    if not cache.add(HINT, 1, timeout=HINT_SECONDS):
        return False
    from integrations.tasks import process_due

    process_due.apply_async(retry=False, ignore_result=True)
    return True


def heard() -> None:
    """A worker is about to look: whatever arrives from now on deserves a new hint."""
    cache.delete(HINT)


def due(limit: int) -> list[int]:
    """Messages whose time has come, oldest first, of connections that are active and that nobody has in hand."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [limit])
        return [row[0] for row in cursor.fetchall()]


def let_go(keys: Sequence[str], process: Callable[[int], object]) -> int:
    """What these keys name has arrived: try every message that waits for one, oldest first. Safe to repeat."""
    if not keys:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, [list(keys)])
        freed = sorted(row[0] for row in cursor.fetchall())
    for message_id in freed:
        process(message_id)
    return len(freed)


def backoff(attempts: int) -> float:
    """Full jitter: anywhere up to twice as long each time, ten minutes at most."""
    return random.uniform(0.2, min(600.0, 2.0 ** min(attempts, 10)))


def order_key(channel: str, ref: str) -> str:
    """What a message about an order waits for until the order is known."""
    return f"order:{channel}:{ref}"


def payment_key(channel: str, ref: str) -> str:
    """What a message about a payment waits for until an order paid with it is known."""
    return f"payment:{channel}:{ref}"


_DUE = """
SELECT m.id FROM integrations_inboundmessage m
JOIN integrations_connection c ON c.id = m.connection_id AND c.status = 'ACTIVE'
WHERE m.status = 'RECEIVED' AND m.next_at <= statement_timestamp()
ORDER BY m.next_at, m.id LIMIT %s
FOR NO KEY UPDATE OF m SKIP LOCKED
"""

# A failed message goes back to RECEIVED; one in somebody's hands is left: its own try sees the arrival or parks anew.
_LET_GO = """
UPDATE integrations_inboundmessage
SET status = 'RECEIVED', next_at = statement_timestamp()
WHERE waits_for = ANY(%s::text[]) AND status IN ('RECEIVED', 'FAILED') AND lease_token IS NULL
RETURNING id
"""
