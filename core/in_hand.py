"""What the relay has in hand while a handler runs: the fact, and the queue it came out of.

What a handler does far below (a call to another system) is so written down with the fact it was done for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InHand:
    fact: str  # its uid
    queue: str


_now: ContextVar[InHand | None] = ContextVar("delivery_in_hand", default=None)


def current() -> InHand | None:
    return _now.get()


def fact() -> str:
    """The uid of the fact being handed over, "" outside of any delivery."""
    held = _now.get()
    return held.fact if held else ""


@contextmanager
def holding(uid: str, queue: str) -> Iterator[None]:
    token = _now.set(InHand(uid, queue))
    try:
        yield
    finally:
        _now.reset(token)
