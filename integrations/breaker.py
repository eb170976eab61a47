"""The circuit breaker of a connection: one row in PostgreSQL, so every process sees the same.

It opens when at least half of at least 20 calls within a minute failed. Open, it lets one probe through at a time,
whichever process asks first; three good probes close it. A refused call spends no attempt: it was never made.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection as database
from django.db import transaction

from core import events
from core.errors import TryLater
from core.subjects import Subject
from integrations import events as facts
from integrations.models import Connection

WINDOW_SECONDS = 60
CALLS_AT_LEAST = 20
COOL_DOWN_SECONDS = 30
PROBE_SECONDS = 40  # a probe that says nothing for so long is dead; longer than any call may take
PROBES_NEEDED = 3


def allow(connection_id: UUID) -> None:
    """Return when a call may be made now; raises TryLater (no attempt spent) when the breaker is open or on hold."""
    with database.cursor() as cursor:
        cursor.execute(_ALLOW, {"id": connection_id, "probe": PROBE_SECONDS})
        row = cursor.fetchone()
    if row is None or row[0] == "go":
        return
    word, seconds, reason = row
    if word == "hold":
        raise TryLater("The other side asked for a pause.", seconds=seconds, spends_attempt=False)
    raise TryLater(f"Calls are suspended: {reason or 'too many failed'}", seconds=seconds, spends_attempt=False)


def report(connection_id: UUID, *, ok: bool, reason: str = "") -> str:
    """Count one call; returns the state it leaves the breaker in. Opening and closing are facts of the connection."""
    with database.cursor() as cursor:
        cursor.execute(
            _REPORT,
            {
                "id": connection_id,
                "failed": 0 if ok else 1,
                "reason": reason[:300],
                "window": WINDOW_SECONDS,
                "least": CALLS_AT_LEAST,
                "cool": COOL_DOWN_SECONDS,
                "needed": PROBES_NEEDED,
            },
        )
        state, opened, closed = cursor.fetchone()
    if opened or closed:
        _tell(facts.CONNECTION_SUSPENDED if opened else facts.CONNECTION_RESTORED, connection_id, reason)
    return str(state)


def _tell(event: str, connection_id: UUID, reason: str) -> None:
    with transaction.atomic():
        connection = Connection.objects.get(pk=connection_id)
        data = {"reason": reason[:300]} if reason else {}
        events.record(
            event, Subject("connection", str(connection.pk), connection.name), actor=connection.actor, data=data
        )


def hold(connection_id: UUID, seconds: float) -> None:
    """Nobody calls for so long: what a rate limit asks for. Never shortens a longer hold."""
    with database.cursor() as cursor:
        cursor.execute(_HOLD, {"id": connection_id, "seconds": min(max(seconds, 0.0), 3600.0)})


def reset(connection_id: UUID) -> None:
    """Close it by hand: a person knows that the other side is back."""
    with database.cursor() as cursor:
        cursor.execute(
            "WITH before AS (SELECT state FROM integrations_breaker WHERE connection_id = %s)"
            " UPDATE integrations_breaker SET state = 'CLOSED', calls = 0, failures = 0, successes_after_probe = 0,"
            " opened_at = NULL, next_probe_at = NULL, hold_until = NULL, reason = '' WHERE connection_id = %s"
            " RETURNING (SELECT state FROM before) <> 'CLOSED'",
            [connection_id, connection_id],
        )
        row = cursor.fetchone()
    if row and row[0]:
        _tell(facts.CONNECTION_RESTORED, connection_id, "")


# One statement decides and takes the probe, so of all processes that ask at once exactly one gets it.
_ALLOW = """
WITH now_is AS (SELECT statement_timestamp() AS t), probe AS (
    UPDATE integrations_breaker b
    SET state = 'HALF_OPEN', next_probe_at = now_is.t + make_interval(secs => %(probe)s),
        successes_after_probe = CASE WHEN b.state = 'OPEN' THEN 0 ELSE b.successes_after_probe END
    FROM now_is
    WHERE b.connection_id = %(id)s AND b.state IN ('OPEN', 'HALF_OPEN') AND b.next_probe_at <= now_is.t
        AND (b.hold_until IS NULL OR b.hold_until <= now_is.t)
    RETURNING b.connection_id
)
SELECT
    CASE
        WHEN EXISTS (SELECT FROM probe) THEN 'go'
        WHEN b.hold_until > now_is.t THEN 'hold'
        WHEN b.state = 'CLOSED' THEN 'go'
        ELSE 'open'
    END,
    greatest(1, extract(epoch FROM
        CASE WHEN b.hold_until > now_is.t THEN b.hold_until ELSE coalesce(b.next_probe_at, now_is.t) END - now_is.t
    ))::float8,
    b.reason
FROM integrations_breaker b, now_is WHERE b.connection_id = %(id)s
"""

_FRESH = "b.window_started_at < statement_timestamp() - make_interval(secs => %(window)s)"
_CALLS = f"(CASE WHEN {_FRESH} THEN 1 ELSE b.calls + 1 END)"
_FAILURES = f"(CASE WHEN {_FRESH} THEN %(failed)s ELSE b.failures + %(failed)s END)"
_TRIPS = f"""(
    %(failed)s = 1 AND (b.state = 'HALF_OPEN'
        OR (b.state = 'CLOSED' AND {_CALLS} >= %(least)s AND {_FAILURES} * 2 >= {_CALLS}))
)"""
_HEALS = "(%(failed)s = 0 AND b.state = 'HALF_OPEN' AND b.successes_after_probe + 1 >= %(needed)s)"

_REPORT = f"""
WITH before AS (SELECT state FROM integrations_breaker WHERE connection_id = %(id)s)
INSERT INTO integrations_breaker AS b (connection_id, state, window_started_at, calls, failures,
    successes_after_probe, reason)
VALUES (%(id)s, 'CLOSED', statement_timestamp(), 1, %(failed)s, 0, '')
ON CONFLICT (connection_id) DO UPDATE SET
    window_started_at = CASE WHEN {_FRESH} OR {_HEALS} THEN statement_timestamp() ELSE b.window_started_at END,
    calls = CASE WHEN {_HEALS} THEN 0 ELSE {_CALLS} END,
    failures = CASE WHEN {_HEALS} THEN 0 ELSE {_FAILURES} END,
    state = CASE WHEN {_TRIPS} THEN 'OPEN' WHEN {_HEALS} THEN 'CLOSED' ELSE b.state END,
    opened_at = CASE WHEN {_TRIPS} THEN statement_timestamp() WHEN {_HEALS} THEN NULL ELSE b.opened_at END,
    next_probe_at = CASE
        WHEN {_TRIPS} THEN statement_timestamp() + make_interval(secs => %(cool)s)
        WHEN {_HEALS} THEN NULL
        WHEN b.state = 'HALF_OPEN' THEN statement_timestamp()
        ELSE b.next_probe_at END,
    successes_after_probe = CASE
        WHEN {_TRIPS} OR {_HEALS} THEN 0
        WHEN b.state = 'HALF_OPEN' THEN b.successes_after_probe + 1
        ELSE b.successes_after_probe END,
    reason = CASE WHEN {_TRIPS} THEN %(reason)s WHEN {_HEALS} THEN '' ELSE b.reason END
RETURNING b.state,
    b.state = 'OPEN' AND b.opened_at = statement_timestamp() AND (SELECT state FROM before) = 'CLOSED',
    b.state = 'CLOSED' AND b.calls = 0
"""  # noqa: S608  (built from constants above)

_HOLD = """
INSERT INTO integrations_breaker AS b (connection_id, state, window_started_at, calls, failures,
    successes_after_probe, reason, hold_until)
VALUES (%(id)s, 'CLOSED', statement_timestamp(), 0, 0, 0, '',
    statement_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (connection_id) DO UPDATE SET hold_until = greatest(b.hold_until, excluded.hold_until)
"""
