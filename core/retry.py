"""Doing a transaction again when a lock stood in the way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, transaction

from core.errors import Refusal

T = TypeVar("T")

RETRIES = 3
# Deadlock, serialisation failure, lock not available: nothing was done, so doing it again is safe. A unique violation
# is a twin that won by a moment: the next attempt sees its rows and answers like it.
PASSING = frozenset({"40P01", "40001", "55P03", "23505"})


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code for what went wrong, through Django's wrapping."""
    return getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)


def retrying(work: Callable[[], T]) -> T:
    """Run `work` in a transaction, up to three times more when a lock stood in the way.

    Inside an outer atomic block it just runs: that transaction is lost as a whole, so its owner must be the one that
    retries. `work` may run several times, so it must hold no effect outside the database. Refusal("busy", 503) when
    the retries are spent.
    """
    if transaction.get_connection().in_atomic_block:
        return work()
    for attempt in range(RETRIES + 1):
        try:
            with transaction.atomic():
                return work()
        except DatabaseError as error:
            if sqlstate(error) not in PASSING:
                raise
            if attempt == RETRIES:
                raise Refusal("busy", "Too much is happening to this at the moment. Try again.", status=503) from error
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable")
