"""Taking deliveries for a while, and giving them back: the SQL under core/outbox.py.

A lease is a token and an end written on the row. Only the holder of the current token may finish the row, so a process
that was thought dead can do no harm when it wakes.

A lane hands out its oldest unfinished deliveries only. One lease may take a run of them: the same process handles them
one after the other, so the order holds and a deep lane isn't one round trip per delivery. Whoever locks the head owns
the lane for the moment, because nobody else sees another head while that one is unfinished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from pydantic_core import from_json

from core import ids
from core.actors import Actor
from core.events import Fact
from core.subjects import Subject

SECONDS = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Leased(NamedTuple):
    """One delivery in hand. `attempts` counts this one."""

    id: int
    handler: str
    lane: str
    attempts: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class Lease:
    """What one claim took, lane by lane, oldest first within each."""

    token: UUID
    lanes: list[list[Leased]]

    def __len__(self) -> int:
        return sum(map(len, self.lanes))


class Ending(NamedTuple):
    """How one delivery ended. `delay` in seconds, for PENDING only; `unspent` gives the attempt back; it goes on in
    `queue`, where that is another."""

    id: int
    status: str
    error: str = ""
    delay: float = 0.0
    unspent: bool = False
    queue: str = ""


def claim(
    queue: str,
    batch: int,
    *,
    window: int | None = None,
    seconds: float = SECONDS,
    levels: Sequence[str] = (),
) -> Lease:
    """Lease up to `batch` of the `window` longest due deliveries, in one statement. Counts an attempt on each.

    An expired lease kept its place, so it comes before the backlog, but only one delivery a lane: what killed its
    process before may do so again, and must not take the ones behind it along. A DEAD delivery blocks its lane, except
    where the handler takes a level: of such a lane one gets the oldest, which holds the lane, and the newest, which
    alone is worth sending.
    """
    token = ids.uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "queue": queue,
                "batch": batch,
                "window": window or batch,
                "seconds": seconds,
                "token": token,
                "levels": list(levels),
            },
        )
        rows = cursor.fetchall()
    lanes: dict[str, list[Leased]] = {}
    strays: list[int] = []
    for row in sorted(rows, key=_position):
        lane = lanes.setdefault(row[2], [])
        if row[-1] == len(lane):
            lane.append(_leased(row[:-1]))
        else:  # one before it was changed by somebody at that moment and not taken: it mustn't be overtaken
            strays.append(row[0])
    if strays:
        with connection.cursor() as cursor:
            cursor.execute(_LET_GO, (strays, token))
    return Lease(token, [lane for lane in lanes.values() if lane])


_position = itemgetter(4, 5)


def _leased(row: Any) -> Leased:
    (id_, handler, lane, attempts, _, seq, event, uid, type_, micros, *about, cause, data, objects) = row
    kind, subject, label, actor_kind, actor, actor_label = about
    others = from_json(objects) if objects else ()
    fact = Fact(
        event,
        uid,
        type_,
        Subject(kind, subject, label),
        Actor(actor_kind, actor, actor_label),
        {} if data == "{}" else from_json(data),
        EPOCH + timedelta(microseconds=micros),
        cause,
        seq,
        tuple([(Subject(k, u, name), role) for k, u, name, role in others]),
    )
    return Leased(id_, handler, lane, attempts, fact)


def finish(
    token: UUID,
    endings: Sequence[Ending],
) -> set[int]:
    """Write down how deliveries ended, in one statement; returns those still ours to end.

    A row whose lease was taken over meanwhile is left alone.
    """
    if not endings:
        return set()
    with connection.cursor() as cursor:
        if all(e.status == "DELIVERED" for e in endings):
            cursor.execute(_DELIVERED, ([e.id for e in endings], token))
        else:
            cursor.execute(
                _FINISH,
                (
                    [e.id for e in endings],
                    [e.status for e in endings],
                    [e.error for e in endings],
                    [e.delay for e in endings],
                    [int(e.unspent) for e in endings],
                    [e.queue for e in endings],
                    token,
                ),
            )
        return {row[0] for row in cursor.fetchall()}


def supersede(
    newest: dict[str, int],
) -> None:
    """Retire whatever a level's lane holds from before its newest delivery (lane -> that one's seq), dead or not."""
    if newest:
        with connection.cursor() as cursor:
            cursor.execute(_SUPERSEDE, (list(newest), list(newest.values())))


def park(queue: str, window: int, *, levels: Sequence[str] = ()) -> int:
    """Move blocked deliveries out of the way when they fill the window `claim` looks at; returns how many.

    Without this a lane that stands still would, with enough waiting behind it, hide every other lane. They come back on
    their own: after the head's own delay, or, behind a DEAD one, the later the longer they have waited.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PARK, {"queue": queue, "window": window, "levels": list(levels)})
        return cursor.rowcount


def unpark(
    lanes: Sequence[str],
) -> None:
    """Something a person did freed these lanes: look at them now."""
    with connection.cursor() as cursor:
        cursor.execute(_UNPARK, (list(lanes),))


# ruff: noqa: S608  (the pieces put together are all written here)
# `window` bounds what one claim looks at. Each lane in it is asked once for its first deliveries (as many as the window
# shows of it): that is the index `delivery_unfinished`, so the cost doesn't grow with the depth of a lane.
_LANES = """
lanes AS MATERIALIZED (
    SELECT lane, min(next_at) AS due_at, count(*) AS depth, bool_or(handler = ANY(%(levels)s::text[])) AS level
    FROM seen GROUP BY lane
)
"""

_CLAIM = f"""
WITH seen AS MATERIALIZED (
    SELECT lane, handler, next_at FROM core_delivery
    WHERE queue = %(queue)s AND status = 'PENDING' AND next_at <= statement_timestamp()
        AND (leased_until IS NULL OR leased_until <= statement_timestamp())
    ORDER BY next_at LIMIT %(window)s
), {_LANES}, heads AS MATERIALIZED (
    SELECT d.id, d.event_id, d.lane, d.seq, lanes.due_at, lanes.level,
        CASE WHEN d.lease_token IS NULL AND NOT lanes.level THEN lanes.depth ELSE 1 END AS depth
    FROM lanes CROSS JOIN LATERAL (
        SELECT u.id FROM core_delivery u
        WHERE u.lane = lanes.lane AND u.status IN ('PENDING', 'DEAD') AND NOT (lanes.level AND u.status = 'DEAD')
        ORDER BY u.seq LIMIT 1
    ) oldest JOIN core_delivery d ON d.id = oldest.id
    WHERE d.status = 'PENDING' AND d.next_at <= statement_timestamp()
        AND (d.leased_until IS NULL OR d.leased_until <= statement_timestamp())
    ORDER BY lanes.due_at LIMIT %(batch)s
    FOR NO KEY UPDATE OF d SKIP LOCKED
), taken AS (
    (
        SELECT chosen.id, chosen.event_id, chosen.due_at, chosen.place
        FROM (
            SELECT id, event_id, due_at, 0 AS place FROM heads
            UNION ALL
            SELECT behind.id, behind.event_id, heads.due_at, behind.place
            FROM heads CROSS JOIN LATERAL (
                SELECT following.*, sum(1 - following.free::int) OVER (ORDER BY following.seq) AS obstacles,
                    row_number() OVER (ORDER BY following.seq) AS place
                FROM (
                    SELECT d.id, d.event_id, d.seq, d.status = 'PENDING' AND d.lease_token IS NULL AS free
                    FROM core_delivery d
                    WHERE d.lane = heads.lane AND d.seq > heads.seq AND d.status IN ('PENDING', 'DEAD')
                    ORDER BY d.seq LIMIT heads.depth - 1
                ) following
            ) behind
            WHERE heads.depth > 1 AND behind.obstacles = 0
        ) chosen
        ORDER BY chosen.place, chosen.due_at LIMIT %(batch)s
    ) UNION ALL (
        SELECT newest.id, newest.event_id, heads.due_at, 1
        FROM heads CROSS JOIN LATERAL (
            SELECT d.id, d.event_id, d.lease_token
            FROM core_delivery d
            WHERE d.lane = heads.lane AND d.status IN ('PENDING', 'DEAD') AND d.status = 'PENDING'
            ORDER BY d.seq DESC LIMIT 1
        ) newest
        WHERE heads.level AND newest.id <> heads.id AND newest.lease_token IS NULL
    )
)
UPDATE core_delivery d
SET lease_token = %(token)s, attempts = d.attempts + 1,
    leased_until = statement_timestamp() + make_interval(secs => %(seconds)s)
FROM taken t JOIN core_event e ON e.id = t.event_id
WHERE d.id = t.id AND d.status = 'PENDING'
RETURNING d.id, d.handler, d.lane, d.attempts, extract(epoch FROM t.due_at)::float8, d.seq, e.id, e.uid, e.type,
    (extract(epoch FROM e.occurred_at) * 1000000)::bigint, e.subject_kind, e.subject_uid, e.subject_label,
    e.actor_kind, e.actor_uid, e.actor_label, e.correlation_id, e.data,
    (SELECT json_agg(json_build_array(o.kind, o.uid, o.label, o.qualifier) ORDER BY o.id)::text
     FROM core_eventobject o WHERE o.event_id = e.id), t.place
"""

_LET_GO = """
UPDATE core_delivery SET lease_token = NULL, leased_until = NULL, attempts = attempts - 1
WHERE id = ANY(%s) AND lease_token = %s AND status = 'PENDING'
"""

_DELIVERED = """
UPDATE core_delivery
SET status = 'DELIVERED', finished_at = statement_timestamp(), lease_token = NULL, leased_until = NULL, last_error = ''
WHERE id = ANY(%s) AND lease_token = %s AND status = 'PENDING'
RETURNING id
"""

_FINISH = """
UPDATE core_delivery d
SET status = ended.status, lease_token = NULL, leased_until = NULL, last_error = ended.error,
    attempts = d.attempts - ended.unspent, queue = coalesce(nullif(ended.queue, ''), d.queue),
    finished_at = CASE WHEN ended.status = 'PENDING' THEN NULL ELSE statement_timestamp() END,
    next_at = CASE WHEN ended.status = 'PENDING' THEN statement_timestamp() + make_interval(secs => ended.delay)
        ELSE d.next_at END
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::float8[], %s::int[], %s::text[])
    AS ended(id, status, error, delay, unspent, queue)
WHERE d.id = ended.id AND d.lease_token = %s AND d.status = 'PENDING'
RETURNING d.id
"""

_SUPERSEDE = """
UPDATE core_delivery d
SET status = 'SUPERSEDED', finished_at = statement_timestamp(), lease_token = NULL, leased_until = NULL
FROM unnest(%s::text[], %s::bigint[]) AS newest(lane, seq)
WHERE d.lane = newest.lane AND d.seq < newest.seq AND d.status IN ('PENDING', 'DEAD')
"""

_PARK = f"""
WITH seen AS MATERIALIZED (
    SELECT id, lane, handler, next_at, created_at FROM core_delivery
    WHERE queue = %(queue)s AND status = 'PENDING' AND lease_token IS NULL AND next_at <= statement_timestamp()
    ORDER BY next_at LIMIT %(window)s
), {_LANES}, blocked AS (
    SELECT lanes.lane, head.id AS head, CASE
        WHEN head.status = 'DEAD' THEN NULL
        WHEN head.leased_until > statement_timestamp() THEN statement_timestamp() + interval '1 second'
        ELSE head.next_at END AS until
    FROM lanes CROSS JOIN LATERAL (
        SELECT d.id, d.status, d.leased_until, d.next_at
        FROM core_delivery d
        WHERE d.lane = lanes.lane AND d.status IN ('PENDING', 'DEAD') AND NOT (lanes.level AND d.status = 'DEAD')
        ORDER BY d.seq LIMIT 1
    ) head
    WHERE head.status = 'DEAD' OR head.next_at > statement_timestamp() OR head.leased_until > statement_timestamp()
), moved AS (
    SELECT d.id, coalesce(blocked.until, statement_timestamp() + least(interval '10 minutes', greatest(
        interval '1 minute', (statement_timestamp() - d.created_at) / 2))) AS until
    FROM core_delivery d JOIN seen ON seen.id = d.id JOIN blocked ON blocked.lane = d.lane
    WHERE (SELECT count(*) FROM seen) = %(window)s AND d.status = 'PENDING' AND d.lease_token IS NULL
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE core_delivery d SET next_at = moved.until FROM moved WHERE d.id = moved.id
"""

_UNPARK = """
UPDATE core_delivery SET next_at = statement_timestamp()
WHERE lane = ANY(%s) AND status = 'PENDING' AND lease_token IS NULL AND next_at > statement_timestamp()
"""
