"""No connection takes more than its share of the workers: a limit of calls at once, and another way for slow ones.

Every call holds a slot of its connection, a row in PostgreSQL whose lease ends by itself and with the session that
took it, so all processes share one limit and a killed one keeps nothing. A connection is slow while its latest call
took long or one under way already does. What the relay's shared queues would call there then steps aside into the
queue `slow`, at the price of one statement, and few workers go there; a quick call takes the connection back.

Work of many calls keeps its slot from the first to the last: begun work goes on before other work begins. Who finds no
slot stands in line: each is told to come again a little later than the one before, so that a backlog doesn't spend its
workers on asking.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
BEHIND_SECONDS = 0.25  # how much later than the one before somebody who found no slot comes again, divided by the slots
LONGEST_LINE = 60.0
KEPT_SECONDS = 30.0  # how long a slot is kept before the first call of several
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


_kept: ContextVar[dict[UUID, tuple[int, UUID]]] = ContextVar("kept", default={})  # noqa: B039 (never changed in place)


@contextmanager
def slot(connection: Connection, *, seconds: float) -> Iterator[Slot]:
    """Hold one of the connection's slots for at most so long: the kept one, if there is one. Raises Busy at once,
    having taken nothing."""
    held = in_hand.current()
    aside = held is not None and held.queue in SHARED
    kept = _kept.get().get(connection.pk)
    token = uuid4()
    taken = _again(connection, kept, seconds=seconds) if kept else None
    if taken is None:
        kept = None
        taken = _take(connection, token, _limit(connection, held), aside=aside, seconds=seconds)
    try:
        yield taken
    finally:
        took = time.monotonic() - taken.started
        slow, quick = took >= SLOW_SECONDS, taken.slow and took < QUICK_SECONDS
        _give_back(connection, taken.number, token, slow=slow, quick=quick, free=kept is None)


@contextmanager
def kept(connection: Connection) -> Iterator[None]:
    """Hold one slot for all the calls that are made to the connection meanwhile, from here and one after the other.

    Raises Busy at once, having taken nothing. A slot whose lease ran out between two calls is taken anew.
    """
    if connection.pk in _kept.get():
        yield
        return
    held = in_hand.current()
    token = uuid4()
    aside = held is not None and held.queue in SHARED
    taken = _take(connection, token, _limit(connection, held), aside=aside, seconds=KEPT_SECONDS)
    before = _kept.set({**_kept.get(), connection.pk: (taken.number, token)})
    try:
        yield
    finally:
        _kept.reset(before)
        _give_back(connection, taken.number, token, slow=False, quick=False, free=True)


def _give_back(connection: Connection, number: int, token: UUID, *, slow: bool, quick: bool, free: bool) -> None:
    values: dict[str, Any] = {
        "id": connection.pk, "slot": number, "token": token, "slow": slow, "quick": quick, "for": SLOW_FOR,
        "free": free,
    }  # fmt: skip
    with database.cursor() as cursor:
        cursor.execute(_GIVE_BACK, values)


def _again(connection: Connection, kept: tuple[int, UUID], *, seconds: float) -> Slot | None:
    """The kept slot for another call; None if it is somebody else's by now. Where the connection turned slow meanwhile
    the work goes on all the same: to begin again elsewhere would cost more calls than it spares."""
    number, token = kept
    values: dict[str, Any] = {"id": connection.pk, "slot": number, "token": token, "lease": seconds + 5}
    with database.cursor() as cursor:
        cursor.execute(_AGAIN, values)
        ours, slow = cursor.fetchone()
    return Slot(number, slow, time.monotonic()) if ours else None


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
    raise Busy(words, seconds=_in_line(connection, limit), spends_attempt=False)


def _in_line(connection: Connection, limit: int) -> float:
    """Seconds until whoever found no slot is to ask again, behind everybody who found none before."""
    values: dict[str, Any] = {"id": connection.pk, "behind": BEHIND_SECONDS / limit, "longest": LONGEST_LINE}
    with database.cursor() as cursor:
        cursor.execute(_IN_LINE, values)
        row = cursor.fetchone()
    return max(random.uniform(0.3, 1.0), row[0] if row else 0.0)


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
    WHERE connection_id = %(id)s AND slot = %(slot)s AND token = %(token)s AND %(free)s
)
UPDATE integrations_pace
SET slow_until = CASE WHEN %(slow)s THEN statement_timestamp() + make_interval(secs => %(for)s) END
WHERE connection_id = %(id)s AND (%(slow)s OR %(quick)s)
"""

_AGAIN = """
WITH ours AS (
    UPDATE integrations_callslot SET taken_at = statement_timestamp(),
        until = statement_timestamp() + make_interval(secs => %(lease)s), backend = pg_backend_pid()
    WHERE connection_id = %(id)s AND slot = %(slot)s AND token = %(token)s AND until > statement_timestamp()
    RETURNING slot
)
SELECT EXISTS (SELECT FROM ours),
    coalesce((SELECT slow_until > statement_timestamp() FROM integrations_pace WHERE connection_id = %(id)s), false)
"""

_IN_LINE = """
UPDATE integrations_pace SET line_until = least(
    greatest(line_until, statement_timestamp()) + make_interval(secs => %(behind)s),
    statement_timestamp() + make_interval(secs => %(longest)s)
)
WHERE connection_id = %(id)s RETURNING extract(epoch FROM line_until - statement_timestamp())::float8
"""

_SLOW_ONES = f"""
SELECT connection_id FROM integrations_pace WHERE slow_until > statement_timestamp()
UNION
SELECT connection_id FROM integrations_callslot held
WHERE {_HELD} AND taken_at < statement_timestamp() - make_interval(secs => %(under_way)s)
"""
