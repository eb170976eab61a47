"""Recording facts, and who hears of them.

`record` writes an event, its related objects and one Delivery per subscribed handler in the caller's transaction;
config/wiring.py holds every subscription on one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from pydantic_core import to_json

from core import correlation, ids, wake
from core.actors import Actor
from core.subjects import Subject

LABEL_LENGTH, LANE_LENGTH = 200, 160

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


def subscribe(type: str, name: str, handler: Handler, **options: Any) -> None:  # noqa: A002
    """Have `handler` hear of every event of this type. `name` is stored in deliveries: never rename it lightly."""
    made = Subscription(type, name, handler, **options)
    _by_type[type] = [each for each in _by_type.get(type, ()) if each.name != name] + [made]
    _by_name[name] = made


def subscriptions() -> list[Subscription]:
    return [each for heard in _by_type.values() for each in heard]


@contextmanager
def only() -> Iterator[None]:
    """For tests: start without subscriptions, and put the real ones back afterwards."""
    kept = dict(_by_type), dict(_by_name)
    _by_type.clear()
    _by_name.clear()
    try:
        yield
    finally:
        for registry, before in zip((_by_type, _by_name), kept, strict=True):
            registry.clear()
            registry.update(before)


def subscription(name: str) -> Subscription | None:
    return _by_name.get(name)


def level_handlers() -> list[str]:
    return [each.name for each in _by_name.values() if each.level]


def record(
    type: str,  # noqa: A002
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
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A fact is recorded inside the transaction that makes it true.")
    if not drafts:
        return []
    rows = _Rows(correlation.current())
    for n, draft in enumerate(drafts):
        rows.add(n, draft)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, rows.parameters())
        ids = [row[0] for row in cursor.fetchall()]
    for queue in rows.queues:
        wake.on_commit(queue)
    return ids


class _Rows:
    """The columns of one call's INSERT, as arrays."""

    def __init__(self, correlation_id: str):
        self.correlation_id = correlation_id
        self.events: tuple[list[Any], ...] = tuple([] for _ in range(10))
        self.objects: tuple[list[Any], ...] = tuple([] for _ in range(5))
        self.deliveries: tuple[list[Any], ...] = tuple([] for _ in range(4))
        self.queues: set[str] = set()

    def add(self, n: int, draft: EventDraft) -> None:
        subject, actor = draft.subject, draft.actor
        _append(
            self.events,
            (
                ids.uuid7(),
                draft.type,
                draft.occurred_at,
                subject.kind,
                subject.uid,
                subject.label[:LABEL_LENGTH],
                actor.kind,
                actor.uid,
                actor.label[:LABEL_LENGTH],
                to_json(draft.data, inf_nan_mode="strings").decode(),
            ),
        )
        for other, qualifier in draft.related:
            _append(self.objects, (n, other.kind, other.uid, other.label[:LABEL_LENGTH], qualifier))
        for heard_by in _by_type.get(draft.type, ()):
            lane = heard_by.lane(draft) if heard_by.lane else f"{subject.kind}:{subject.uid}"
            _append(self.deliveries, (n, heard_by.name, f"{heard_by.name}|{lane}"[:LANE_LENGTH], heard_by.queue))
            self.queues.add(heard_by.queue)

    def parameters(self) -> list[Any]:
        return [*self.events, self.correlation_id, *self.objects, *self.deliveries]


def _append(columns: tuple[list[Any], ...], values: tuple[Any, ...]) -> None:
    for column, value in zip(columns, values, strict=True):
        column.append(value)


# One statement: the ids are drawn first (in the order given), so that the three INSERTs need not see each other's rows.
_INSERT = """
WITH drawn AS MATERIALIZED (
    SELECT nextval('core_event_id_seq') AS id, given.*
    FROM unnest(
        %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::text[], %s::text[]
    ) WITH ORDINALITY AS given(
        uid, type, occurred_at, subject_kind, subject_uid, subject_label, actor_kind, actor_uid, actor_label, data, n
    )
), events AS (
    INSERT INTO core_event (
        id, uid, type, occurred_at, recorded_at, subject_kind, subject_uid, subject_label, actor_kind, actor_uid,
        actor_label, correlation_id, data
    )
    SELECT id, uid, type, coalesce(occurred_at, clock_timestamp()), clock_timestamp(), subject_kind, subject_uid,
        subject_label, actor_kind, actor_uid, actor_label, %s, data::jsonb
    FROM drawn
), objects AS (
    INSERT INTO core_eventobject (event_id, kind, uid, label, qualifier)
    SELECT drawn.id, touched.kind, touched.uid, touched.label, touched.qualifier
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS touched(n, kind, uid, label, qualifier)
    JOIN drawn ON drawn.n = touched.n + 1
), deliveries AS (
    INSERT INTO core_delivery (
        event_id, handler, lane, seq, queue, status, attempts, next_at, last_error, created_at
    )
    SELECT drawn.id, owed.handler, owed.lane, drawn.id, owed.queue, 'PENDING', 0, now(), '', now()
    FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS owed(n, handler, lane, queue)
    JOIN drawn ON drawn.n = owed.n + 1
)
SELECT id FROM drawn ORDER BY n
"""
