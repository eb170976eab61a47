"""What callers send."""

from __future__ import annotations

from dataclasses import dataclass

from orders.canonical import IncomingOrder, Key, Short, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder(IncomingOrder):
    """The canonical order and the channel it belongs to."""

    __pydantic_config__ = closed

    channel: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Why, in the words of whoever cancels."""

    __pydantic_config__ = closed

    reason: Short = ""
