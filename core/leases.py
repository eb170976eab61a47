"""Taking deliveries for a while, and giving them back: the SQL under core/outbox.py.

A lease is a token written on the row and `next_at` pushed past its end. Only the holder of the current token may finish
the row, so a process that was thought dead can do no harm when it wakes.

A lane hands out its oldest unfinished deliveries only. One lease may take a run of them: the same process handles them
one after the other, so the order holds and a deep lane isn't one round trip per delivery. Whoever locks the head owns
the lane for the moment, because nobody else sees another head while that one is unfinished.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core import ids
from core.actors import Actor
from core.events import Fact
from core.subjects import Subject

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Leased:
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


@dataclass(frozen=True, slots=True)
class Ending:
    """How one delivery ended. `delay` (seconds) only counts while it stays PENDING; `unspent` gives the attempt back."""

    id: int
    status: str
    error: str = ""
    delay: float = 0.0
    unspent: bool = False


def claim(
    queue: str, batch: int, *, seconds: float = SECONDS, levels: Sequence[str] = (), connection: Any = connection
) -> Lease:
    """Lease up to `batch` deliveries that are due, in one statement. Counts an attempt on each.

    Expired leases have a slot of their own, one delivery a lane: what killed its process before may do so again, and
    must not take the ones behind it along. A DEAD delivery blocks its lane, except where the handler takes a level: of
    such a lane one gets the oldest, which holds the lane, and the newest, which alone is worth sending.
    """
    token = ids.uuid7()
    slot = max(1, batch // 10)
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "queue": queue,
                "batch": batch,
                "window": 2 * batch,
                "slot": slot,
                "seconds": seconds,
                "token": token,
                "levels": list(levels),
            },
        )
        rows = cursor.fetchall()
    lanes: dict[str, list[Leased]] = {}
    for row in sorted(rows, key=_position):
        lanes.setdefault(row[2], []).append(_leased(row))
    return Lease(token, list(lanes.values()))


def _position(row: Any) -> tuple[datetime, int]:
    return row[4], row[5]


def _leased(row: Any) -> Leased:
    (
        id_,
        handler,
        lane,
        attempts,
        _,
        seq,
        event,
        uid,
        type_,
        at,
        kind,
        suid,
        label,
        akind,
        auid,
        alabel,
        cid,
        data,
        objects,
    ) = row
    fact = Fact(
        id=event,
        uid=uid,
        type=type_,
        subject=Subject(kind, suid, label),
        actor=Actor(akind, auid, alabel),
        data=json.loads(data) if isinstance(data, str) else data,
        occurred_at=at,
        correlation_id=cid,
        seq=seq,
        related=tuple((Subject(k, u, lbl), q) for k, u, lbl, q in (json.loads(objects) if objects else ())),
    )
    return Leased(id_, handler, lane, attempts, fact)


def finish(token: UUID, endings: Sequence[Ending], *, connection: Any = connection) -> set[int]:
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
                    token,
                ),
            )
        return {row[0] for row in cursor.fetchall()}


def supersede(newest: dict[str, int], *, connection: Any = connection) -> None:
    """Retire whatever a level's lane holds from before its newest delivery (lane -> that one's seq), dead or not."""
    if newest:
        with connection.cursor() as cursor:
            cursor.execute(_SUPERSEDE, (list(newest), list(newest.values())))


def park(queue: str, batch: int, *, levels: Sequence[str] = (), connection: Any = connection) -> int:
    """Move blocked deliveries out of the way when they fill the window `claim` looks at; returns how many.

    Without this a lane that stands still would, with enough waiting behind it, hide every other lane. They come back on
    their own: after the head's own delay, or, behind a DEAD one, the later the longer they have waited.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PARK, {"queue": queue, "window": 2 * batch, "levels": list(levels)})
        return cursor.rowcount


def unpark(lanes: Sequence[str], *, connection: Any = connection) -> None:
    """Something a person did freed these lanes: look at them now."""
    with connection.cursor() as cursor:
        cursor.execute(_UNPARK, (list(lanes),))


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
    (
        SELECT lane, handler, next_at FROM core_delivery
        WHERE queue = %(queue)s AND status = 'PENDING' AND lease_token IS NOT NULL
            AND next_at <= statement_timestamp()
        ORDER BY next_at LIMIT %(slot)s
    ) UNION ALL (
        SELECT lane, handler, next_at FROM core_delivery
        WHERE queue = %(queue)s AND status = 'PENDING' AND lease_token IS NULL AND next_at <= statement_timestamp()
        ORDER BY next_at LIMIT %(window)s
    )
), {_LANES}, candidates AS MATERIALIZED (
    SELECT run.id, run.event_id, run.handler, lanes.lane, lanes.level, lanes.due_at, run.place,
        sum(CASE WHEN run.free OR run.place = 1 THEN 0 ELSE 1 END)
            OVER (PARTITION BY lanes.lane ORDER BY run.place) AS obstacles,
        first_value(run.claimable) OVER (PARTITION BY lanes.lane ORDER BY run.place) AS head_is_claimable,
        first_value(run.free) OVER (PARTITION BY lanes.lane ORDER BY run.place) AS head_is_fresh
    FROM lanes CROSS JOIN LATERAL (
        SELECT d.id, d.event_id, d.handler, row_number() OVER (ORDER BY d.seq, d.id) AS place,
            d.status = 'PENDING' AND d.lease_token IS NULL AS free,
            d.status = 'PENDING' AND d.next_at <= statement_timestamp() AS claimable
        FROM core_delivery d
        WHERE d.lane = lanes.lane AND d.status IN ('PENDING', 'DEAD') AND NOT (lanes.level AND d.status = 'DEAD')
        ORDER BY d.seq, d.id
        LIMIT CASE WHEN lanes.level THEN 1 ELSE lanes.depth END
    ) run
), heads AS (
    SELECT d.id, d.lane, c.level, c.due_at
    FROM core_delivery d JOIN candidates c ON c.id = d.id
    WHERE c.place = 1 AND c.head_is_claimable AND d.status = 'PENDING' AND d.next_at <= statement_timestamp()
    ORDER BY c.due_at LIMIT %(batch)s
    FOR NO KEY UPDATE OF d SKIP LOCKED
), taken AS (
    (
        SELECT c.id, c.event_id, c.due_at
        FROM candidates c JOIN heads ON heads.lane = c.lane
        WHERE c.place = 1 OR (c.obstacles = 0 AND c.head_is_fresh)
        ORDER BY c.place, c.due_at LIMIT %(batch)s
    ) UNION ALL (
        SELECT newest.id, newest.event_id, heads.due_at
        FROM heads CROSS JOIN LATERAL (
            SELECT d.id, d.event_id, d.lease_token
            FROM core_delivery d
            WHERE d.lane = heads.lane AND d.status IN ('PENDING', 'DEAD') AND d.status = 'PENDING'
            ORDER BY d.seq DESC, d.id DESC LIMIT 1
        ) newest
        WHERE heads.level AND newest.id <> heads.id AND newest.lease_token IS NULL
    )
)
UPDATE core_delivery d
SET lease_token = %(token)s, attempts = d.attempts + 1,
    next_at = statement_timestamp() + make_interval(secs => %(seconds)s)
FROM taken t JOIN core_event e ON e.id = t.event_id
WHERE d.id = t.id AND d.status = 'PENDING'
RETURNING d.id, d.handler, d.lane, d.attempts, t.due_at, d.seq, e.id, e.uid, e.type, e.occurred_at, e.subject_kind,
    e.subject_uid, e.subject_label, e.actor_kind, e.actor_uid, e.actor_label, e.correlation_id, e.data,
    (SELECT json_agg(json_build_array(o.kind, o.uid, o.label, o.qualifier) ORDER BY o.id)::text
     FROM core_eventobject o WHERE o.event_id = e.id)
"""

_DELIVERED = """
UPDATE core_delivery
SET status = 'DELIVERED', finished_at = statement_timestamp(), lease_token = NULL, last_error = ''
WHERE id = ANY(%s) AND lease_token = %s AND status = 'PENDING'
RETURNING id
"""

_FINISH = """
UPDATE core_delivery d
SET status = ended.status, lease_token = NULL, last_error = ended.error, attempts = d.attempts - ended.unspent,
    finished_at = CASE WHEN ended.status = 'PENDING' THEN NULL ELSE statement_timestamp() END,
    next_at = CASE WHEN ended.status = 'PENDING' THEN statement_timestamp() + make_interval(secs => ended.delay)
        ELSE d.next_at END
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::float8[], %s::int[]) AS ended(id, status, error, delay, unspent)
WHERE d.id = ended.id AND d.lease_token = %s AND d.status = 'PENDING'
RETURNING d.id
"""

_SUPERSEDE = """
UPDATE core_delivery d
SET status = 'SUPERSEDED', finished_at = statement_timestamp(), lease_token = NULL
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
        WHEN head.lease_token IS NOT NULL THEN statement_timestamp() + interval '1 second'
        ELSE head.next_at END AS until
    FROM lanes CROSS JOIN LATERAL (
        SELECT d.id, d.status, d.lease_token, d.next_at
        FROM core_delivery d
        WHERE d.lane = lanes.lane AND d.status IN ('PENDING', 'DEAD') AND NOT (lanes.level AND d.status = 'DEAD')
        ORDER BY d.seq, d.id LIMIT 1
    ) head
    WHERE head.status = 'DEAD' OR head.next_at > statement_timestamp()
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
