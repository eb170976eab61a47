"""No connection takes more than its share of the workers: a limit of calls at once, and another way for slow ones.

Every call holds a slot of its connection, a row in PostgreSQL whose lease ends by itself and with the session that
took it, so all processes share one limit and a killed one keeps nothing. A connection is slow while its latest call
took long or one under way already does. What the relay's shared queues would call there then steps aside into the
queue `slow`, at the price of one statement, and few workers go there; a quick call takes the connection back.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection as database

from core import in_hand, outbox
from core.errors import TryLater
from integrations.models import Connection

SLOW_SECONDS = 2.0  # an answer that takes longer is slow…
QUICK_SECONDS = 1.0  # …and one that takes less ends it
UNDER_WAY_SECONDS = 4.0  # a call that waits so long for its turn and its answer says as much as one that ended
PATIENCE = 0.5  # how long a call waits for a slot, while those under way are younger than that themselves
IN_LINE_SECONDS = 0.02
SLOW_FOR = 60.0  # how long one slow answer is remembered
SLOTS_WHEN_SLOW = 1  # of the workers that go to slow ones, so that two dead ones leave some for a third
SHARED = frozenset({"outside", "webhooks"})  # queues in which a slow one would hold up others


class Busy(TryLater):
    """As many calls as it may have are under way, or it is slow and this is not the place to wait for it."""


@dataclass(slots=True)
class Slot:
    """A slot in hand. `started` is when the call itself began, of time.monotonic()."""

    number: int
    slow: bool
    started: float


@contextmanager
def slot(connection: Connection, *, seconds: float) -> Iterator[Slot]:
    """Hold one of the connection's slots for at most so long. Raises Busy at once, having taken nothing."""
    held = in_hand.current()
    aside = held is not None and held.queue in SHARED
    token = uuid4()
    taken = _take(connection, token, _limit(connection, held), aside=aside, seconds=seconds)
    try:
        yield taken
    finally:
        took = time.monotonic() - taken.started
        values: dict[str, Any] = {
            "id": connection.pk, "slot": taken.number, "token": token, "slow": took >= SLOW_SECONDS,
            "quick": taken.slow and took < QUICK_SECONDS, "for": SLOW_FOR,
        }  # fmt: skip
        with database.cursor() as cursor:
            cursor.execute(_GIVE_BACK, values)


def _limit(connection: Connection, held: in_hand.InHand | None) -> int:
    """How many calls it may have under way for this one to be let through. Of the relay's workers it gets half."""
    if held is None:
        return connection.calls_at_once
    share = SLOTS_WHEN_SLOW if held.queue == outbox.SLOW else max(1, settings.OUTSIDE_SLOTS // 2)
    return min(connection.calls_at_once, share)


def _take(connection: Connection, token: UUID, limit: int, *, aside: bool, seconds: float) -> Slot:
    values: dict[str, Any] = {
        "id": connection.pk, "token": token, "limit": limit, "aside": aside, "lease": seconds + 5,
        "under_way": UNDER_WAY_SECONDS,
    }  # fmt: skip
    gives_up = time.monotonic() + PATIENCE
    while True:
        with database.cursor() as cursor:
            cursor.execute(_TAKE, values)
            number, slow, used, oldest = cursor.fetchone()
        if number is not None:
            return Slot(number, slow, time.monotonic())
        if slow and aside:
            words = f"{connection.name} is slow to answer; it is called where that holds up nobody else."
            raise Busy(words, seconds=0.0, spends_attempt=False, queue=outbox.SLOW)
        if used >= limit and (oldest > PATIENCE or time.monotonic() > gives_up):
            break
        time.sleep(IN_LINE_SECONDS if used >= limit else 0.0)  # else somebody took the same slot at the same moment
    words = f"{connection.name} has {limit} calls under way, as many as it may."
    raise Busy(words, seconds=random.uniform(0.3, 1.0), spends_attempt=False)


def slow_ones() -> set[UUID]:
    """The connections that are slow right now."""
    with database.cursor() as cursor:
        cursor.execute(_SLOW_ONES, {"under_way": UNDER_WAY_SECONDS})
        return {row[0] for row in cursor.fetchall()}


def used(connection: Connection) -> tuple[int, bool]:
    """How many calls are under way, and whether it is slow."""
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT used, slow FROM ({_STATE}) state", {"id": connection.pk, "under_way": UNDER_WAY_SECONDS}
        )
        return cursor.fetchone()


# ruff: noqa: S608  (the pieces put together are all written here)
_HELD = "held.until > statement_timestamp() AND EXISTS (SELECT FROM pg_stat_get_activity(held.backend))"
_STATE = f"""
SELECT count(*) AS used,
    coalesce(extract(epoch FROM statement_timestamp() - min(taken_at)), 0)::float8 AS oldest,
    coalesce((SELECT slow_until > statement_timestamp() FROM integrations_pace WHERE connection_id = %(id)s), false)
    OR coalesce(bool_or(taken_at < statement_timestamp() - make_interval(secs => %(under_way)s)), false) AS slow
FROM integrations_callslot held WHERE connection_id = %(id)s AND {_HELD}
"""

_TAKE = f"""
WITH state AS MATERIALIZED ({_STATE}), free AS (
    SELECT n FROM state, generate_series(1, %(limit)s) n
    WHERE state.used < %(limit)s AND NOT (state.slow AND %(aside)s) AND NOT EXISTS (
        SELECT FROM integrations_callslot held
        WHERE held.connection_id = %(id)s AND held.slot = n AND {_HELD})
    ORDER BY n LIMIT 1
), taken AS (
    INSERT INTO integrations_callslot AS held (connection_id, slot, token, taken_at, until, backend)
    SELECT %(id)s, n, %(token)s, statement_timestamp(), statement_timestamp() + make_interval(secs => %(lease)s),
        pg_backend_pid()
    FROM free
    ON CONFLICT (connection_id, slot) DO UPDATE
    SET token = excluded.token, taken_at = excluded.taken_at, until = excluded.until, backend = excluded.backend
    WHERE NOT ({_HELD})
    RETURNING slot
)
SELECT (SELECT slot FROM taken), slow, used, oldest FROM state
"""

_GIVE_BACK = """
WITH freed AS (
    UPDATE integrations_callslot SET until = statement_timestamp()
    WHERE connection_id = %(id)s AND slot = %(slot)s AND token = %(token)s
)
UPDATE integrations_pace
SET slow_until = CASE WHEN %(slow)s THEN statement_timestamp() + make_interval(secs => %(for)s) END
WHERE connection_id = %(id)s AND (%(slow)s OR %(quick)s)
"""

_SLOW_ONES = f"""
SELECT connection_id FROM integrations_pace WHERE slow_until > statement_timestamp()
UNION
SELECT connection_id FROM integrations_callslot held
WHERE {_HELD} AND taken_at < statement_timestamp() - make_interval(secs => %(under_way)s)
"""
