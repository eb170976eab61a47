"""How one connection is doing, in figures: its calls, its rate, what waits and what failed alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database
from django.utils import timezone

from integrations.models import Connection, Pace
from integrations.pace import BURST_SECONDS

TOLD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Calls:
    """What was called within the last hour; the times are of answers, in milliseconds."""

    made: int
    failed: int
    p50: int | None
    p95: int | None

    @property
    def error_rate(self) -> float:
        return self.failed / self.made if self.made else 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a minute that may be made, whose word that is, and how much of the burst is left (0 to 1)."""

    per_minute: float
    told: bool
    left: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that are not over: those due or waiting and since when the oldest is, and those that failed."""

    waiting: int
    oldest: datetime | None
    failed: int


def calls(connection: Connection) -> Calls:
    with database.cursor() as cursor:
        cursor.execute(_CALLS, [connection.pk])
        made, failed, p50, p95 = cursor.fetchone()
    return Calls(made, failed, None if p50 is None else round(p50), None if p95 is None else round(p95))


def rate(connection: Connection) -> Rate:
    found = Pace.objects.filter(connection=connection).first()
    now = timezone.now()
    per_minute, told = float(connection.rate_per_minute), False
    if found is None:
        return Rate(per_minute, told, 1.0)
    if (
        found.told_per_minute
        and found.told_at
        and now - found.told_at < TOLD_FOR
        and found.told_per_minute < per_minute
    ):
        per_minute, told = found.told_per_minute, True
    spent = (found.spent_until - now).total_seconds()
    return Rate(per_minute, told, min(1.0, max(0.0, 1 - spent / BURST_SECONDS)))


def backlog(connection: Connection) -> Backlog:
    with database.cursor() as cursor:
        cursor.execute(_BACKLOG, [connection.pk])
        return Backlog(*cursor.fetchone())


_CALLS = """
SELECT count(*), count(*) FILTER (WHERE failure_class <> ''),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms), percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms)
FROM (
    SELECT failure_class, duration_ms FROM integrations_outboundcall
    WHERE connection_id = %s AND at > statement_timestamp() - interval '1 hour'
    ORDER BY id DESC LIMIT 5000
) latest
"""

_BACKLOG = """
SELECT count(*) FILTER (WHERE status = 'RECEIVED'), min(received_at) FILTER (WHERE status = 'RECEIVED'),
    count(*) FILTER (WHERE status = 'FAILED')
FROM integrations_inboundmessage WHERE connection_id = %s AND status IN ('RECEIVED', 'FAILED')
"""
