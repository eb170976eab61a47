"""Recording facts, and who hears of them.

`record` writes an event, its related objects and one Delivery per subscribed handler in the caller's transaction;
config/wiring.py holds every subscription on one page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.subjects import Subject

Related = Sequence[tuple[Subject, str]]


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A fact about to be recorded. `data` must be JSON-ready; `related` pairs a subject with its role."""

    type: str
    subject: Subject
    actor: Actor
    data: dict[str, Any] = field(default_factory=dict)
    related: Related = ()
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A recorded event as a handler sees it."""

    id: int
    uid: UUID
    type: str
    subject: Subject
    actor: Actor
    data: dict[str, Any]
    occurred_at: datetime
    correlation_id: str
    seq: int
    related: tuple[tuple[Subject, str], ...] = ()


Handler = Callable[[Fact], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    type: str
    name: str
    handler: Handler
    queue: str = "default"
    max_attempts: int = 12
    level: bool = False  # a level (such as stock) only ever sends the latest; older ones become SUPERSEDED
    lane: Callable[[EventDraft], str] | None = None  # default: the event's subject


_by_type: dict[str, list[Subscription]] = {}
_by_name: dict[str, Subscription] = {}


def subscribe(type: str, name: str, handler: Handler, **options: Any) -> None:
    """Have `handler` hear of every event of this type. `name` is stored in deliveries: never rename it lightly."""
    subscription = Subscription(type, name, handler, **options)
    _by_type.setdefault(type, []).append(subscription)
    _by_name[name] = subscription


def subscription(name: str) -> Subscription | None:
    return _by_name.get(name)


def record(
    type: str,
    subject: Subject,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
    related: Related = (),
    occurred_at: datetime | None = None,
) -> int:
    """Record one fact and its deliveries inside the caller's transaction; returns the event's id."""
    return record_many([EventDraft(type, subject, actor, data or {}, related, occurred_at)])[0]


def record_many(drafts: Sequence[EventDraft]) -> list[int]:
    """Record facts and their deliveries in one round trip; returns the events' ids in order.

    Must run inside transaction.atomic and under the lock of each subject's row, so that ids within a subject are in
    commit order.
    """
    raise NotImplementedError
