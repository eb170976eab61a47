"""Recording facts, and who hears of them.

`record` writes an event, its related objects and one Delivery per subscribed handler in the caller's transaction;
config/wiring.py holds every subscription on one page.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from pydantic_core import to_json

from core import correlation, ids, prepared, wake
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


class Fact(NamedTuple):
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
_families: dict[str, tuple[Subscription, Callable[[str, Fact], None]]] = {}


def subscribe(type: str, name: str, handler: Handler, **options: Any) -> None:  # noqa: A002
    """Have `handler` hear of every event of this type. `name` is stored in deliveries: never rename it lightly."""
    made = Subscription(type, name, handler, **options)
    _by_type[type] = [each for each in _by_type.get(type, ()) if each.name != name] + [made]
    _by_name[name] = made


def family(name: str, handler: Callable[[str, Fact], None], **options: Any) -> None:
    """Have `handler(key, fact)` answer for every handler called `name:key`; rows of Listener say what they hear of."""
    _families[name] = Subscription("", name, lambda fact: None, **options), handler


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
        by_type, by_name = kept
        _by_type.clear()
        _by_type.update(by_type)
        _by_name.clear()
        _by_name.update(by_name)


def subscription(name: str) -> Subscription | None:
    known = _by_name.get(name)
    kind, colon, key = name.partition(":")
    if known is None and colon and kind in _families:
        base, handler = _families[kind]
        return replace(base, name=name, handler=functools.partial(handler, key))
    return known


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
    recording = Recording(drafts)
    rows = prepared.fetchall(_INSERT, recording.parameters())
    recording.queues.update(queue for _, queue in rows if queue)
    recording.wake()
    return [row[0] for row in rows]


class Recording:
    """Facts on their way into the tables. They travel as JSON: dumping twenty arrays costs more than the INSERT itself.

    `record_many` is what services use. A hot path that must change its rows and record the fact in one statement puts
    `ctes(...)` into it, passes `parameters()` there, and calls `wake()` when the rows were written.
    """

    def __init__(self, drafts: Iterable[EventDraft]):
        self.correlation_id = correlation.current()
        self.events: list[dict[str, Any]] = []
        self.objects: list[dict[str, Any]] = []
        self.deliveries: list[dict[str, Any]] = []
        self.queues: set[str] = set()
        for n, draft in enumerate(drafts):
            self._add(n, draft)

    def parameters(self) -> list[str]:
        return [_json(self.events), self.correlation_id, _json(self.objects), _json(self.deliveries)]

    def wake(self) -> None:
        """Have the relay look as soon as this is committed."""
        for queue in self.queues:
            wake.on_commit(queue)

    def _add(self, n: int, draft: EventDraft) -> None:
        subject, actor = draft.subject, draft.actor
        self.events.append(
            {
                "n": n,
                "uid": ids.uuid7(),
                "type": draft.type,
                "occurred_at": draft.occurred_at,
                "subject_kind": subject.kind,
                "subject_uid": subject.uid,
                "subject_label": subject.label[:LABEL_LENGTH],
                "actor_kind": actor.kind,
                "actor_uid": actor.uid,
                "actor_label": actor.label[:LABEL_LENGTH],
                "data": draft.data,
            }
        )
        for other, qualifier in draft.related:
            label = other.label[:LABEL_LENGTH]
            self.objects.append({"n": n, "kind": other.kind, "uid": other.uid, "label": label, "qualifier": qualifier})
        for heard_by in _by_type.get(draft.type, ()):
            lane = heard_by.lane(draft) if heard_by.lane else None  # none named: the subject, as it is when inserted
            self.deliveries.append({"n": n, "handler": heard_by.name, "lane": lane, "queue": heard_by.queue})
            self.queues.add(heard_by.queue)


def _json(rows: list[dict[str, Any]]) -> str:
    return to_json(rows, inf_nan_mode="strings").decode()


def ctes(*, source: str = "", subject_uid: str = "given.subject_uid") -> str:
    """The CTEs that insert a Recording: `drawn`, `events`, `objects`, `deliveries`. Goes after WITH or a comma.

    With `source` (a CTE of at most one row) the facts are recorded only if it has that row, and `subject_uid` may be an
    expression over it, for a subject that the same statement makes. The ids are drawn first, in the order given, so
    that the INSERTs need not see each other's rows.
    """
    return f"""drawn AS MATERIALIZED (
    SELECT nextval('core_event_id_seq') AS id, given.n, given.uid, given.type, given.occurred_at, given.subject_kind,
        {subject_uid} AS subject_uid, given.subject_label, given.actor_kind, given.actor_uid, given.actor_label,
        given.data
    FROM {source and source + ","} json_to_recordset(%s::json) AS given(
        n int, uid uuid, type text, occurred_at timestamptz, subject_kind text, subject_uid text, subject_label text,
        actor_kind text, actor_uid text, actor_label text, data jsonb
    )
), events AS (
    INSERT INTO core_event (
        id, uid, type, occurred_at, recorded_at, subject_kind, subject_uid, subject_label, actor_kind, actor_uid,
        actor_label, correlation_id, data
    )
    SELECT id, uid, type, coalesce(occurred_at, clock_timestamp()), clock_timestamp(), subject_kind, subject_uid,
        subject_label, actor_kind, actor_uid, actor_label, %s, data
    FROM drawn
), objects AS (
    INSERT INTO core_eventobject (event_id, kind, uid, label, qualifier)
    SELECT drawn.id, touched.kind, touched.uid, touched.label, touched.qualifier
    FROM ROWS FROM (
        json_to_recordset(%s::json) AS (n int, kind text, uid text, label text, qualifier text)
    ) WITH ORDINALITY AS touched(n, kind, uid, label, qualifier, place)
    JOIN drawn USING (n) ORDER BY touched.place
), deliveries AS (
    INSERT INTO core_delivery (
        event_id, handler, lane, seq, queue, status, attempts, next_at, last_error, created_at
    )
    SELECT drawn.id, owed.handler,
        left(owed.handler || '|' || coalesce(owed.lane, drawn.subject_kind || ':' || drawn.subject_uid), {LANE_LENGTH}),
        drawn.id, owed.queue, 'PENDING', 0, now(), '', now()
    FROM json_to_recordset(%s::json) AS owed(n int, handler text, lane text, queue text)
    JOIN drawn USING (n)
    UNION ALL
    SELECT drawn.id, listener.handler,
        left(listener.handler || '|' || drawn.subject_kind || ':' || drawn.subject_uid, {LANE_LENGTH}),
        drawn.id, listener.queue, 'PENDING', 0, now(), '', now()
    FROM core_listener listener JOIN drawn ON drawn.type = listener.type
)"""  # noqa: S608  (source and subject_uid are written by the calling module)


_INSERT = """WITH (facts) SELECT id, (SELECT min(queue) FROM core_listener WHERE core_listener.type = drawn.type)
FROM drawn ORDER BY n""".replace("(facts)", ctes())
