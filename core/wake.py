"""Telling the relay there is work: a hint, never the record.

At most one hint per queue waits at the broker, and a broker that can't be reached is left alone for a moment: the beat
tick finds the deliveries anyway, so a lost hint costs seconds and loses nothing.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from core.best_effort import BestEffort

log = logging.getLogger(__name__)

HINT_SECONDS = 5  # how long a hint may suppress others, should its message get lost
TURN_SECONDS = 75.0  # longer than a relay and the last call it began
WORKED_BY = {"slow": "outside"}  # whose workers take turns at a queue that has none of its own
# kombu and redis raise many kinds; none may fail the caller.
_waking = BestEffort("relay.not_woken", Exception)


def on_commit(queue: str) -> None:
    """Wake the relay of `queue` once, when the transaction commits."""
    waker = _waker(queue)
    connection = transaction.get_connection()
    if not any(callback is waker for _, callback, *_ in connection.run_on_commit):
        transaction.on_commit(waker, robust=True)


def now(queue: str) -> bool:
    """Wake the relay of `queue`; False where no hint was sent."""
    return getattr(settings, "RELAY_WAKES", True) and _waking.ask(lambda: _hint(queue), False, queue=queue)


def _hint(queue: str) -> bool:
    if not cache.add(_key(queue), 1, timeout=HINT_SECONDS):
        return False
    from core.tasks import relay

    relay.apply_async(args=[queue], queue=WORKED_BY.get(queue, queue), retry=False, ignore_result=True)
    return True


def task(task: Any, *args: Any) -> None:
    """Hand work that a row remembers to a worker, when the transaction commits. A broker that is down fails nobody."""
    transaction.on_commit(lambda: _send(task, args), robust=True)


def _send(task: Any, args: tuple[Any, ...]) -> None:
    try:
        task.apply_async(args=list(args), retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001  (as above: many kinds)
        log.warning("task.not_sent", extra={"task": task.name, "error": type(error).__name__})


@contextmanager
def turn(queue: str, at_once: int, seconds: float = TURN_SECONDS) -> Iterator[bool]:
    """One of `at_once` turns at a queue, among all workers; False where all are taken. One that dies comes back.

    The cache that keeps them may forget: then more work on it for a moment, and nothing is done twice by that.
    """
    names = [f"relay-turn:{queue}:{n}" for n in range(at_once)]
    try:
        taken = next((name for name in names if cache.add(name, 1, timeout=seconds)), "")
    except Exception as error:  # noqa: BLE001  (as above: many kinds)
        log.warning("turn.unknown", extra={"queue": queue, "error": type(error).__name__})
        taken = names[0]
    try:
        yield bool(taken)
    finally:
        if taken:
            try:
                cache.delete(taken)
            except Exception as error:  # noqa: BLE001  (as above: many kinds)
                log.warning("turn.kept", extra={"queue": queue, "error": type(error).__name__})


def heard(queue: str) -> None:
    """The relay is about to look: whatever is recorded from now on deserves a new hint."""
    cache.delete(_key(queue))


def _key(queue: str) -> str:
    return f"relay-woken:{queue}"


@functools.cache
def _waker(queue: str) -> Callable[[], None]:
    def waker() -> None:
        now(queue)

    return waker
