"""The seal over the past: one digest a day over that day's events and the digest of the day before.

Whoever rewrites an event (a superuser can silence the triggers) must rewrite every seal since, and can't where a digest
has been kept elsewhere: each is logged when made, and `manage.py verify_seal` prints the newest.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from core.models import Event, EventSeal

log = logging.getLogger(__name__)

GENESIS = b"\0" * 32
CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Break:
    """A day whose events no longer give the digest that was sealed."""

    day: date
    sealed: str
    found: str
    sealed_events: int
    found_events: int


def seal() -> list[EventSeal]:
    """Seal every finished day since the last seal. Safe to repeat; a second sealer waits and finds nothing to do."""
    made = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core_eventseal'))")
        last = EventSeal.objects.order_by("-day").first()
        first = Event.objects.order_by("pk").values_list("recorded_at", flat=True).first()
        if first is None:
            return []
        day = last.day + timedelta(days=1) if last else first.astimezone(UTC).date()
        previous = bytes(last.digest) if last else GENESIS
        until = _settled_until()
        while _start(day + timedelta(days=1)) <= until:
            digest, count = _digest(day, previous)
            sealed = EventSeal.objects.create(day=day, events=count, digest=digest)
            log.info("events.sealed", extra={"day": str(day), "events": count, "digest": digest.hex()})
            made.append(sealed)
            day, previous = day + timedelta(days=1), digest
    return made


def verify() -> Iterator[Break]:
    """Recompute every seal from the events as they stand; yields the days that don't agree."""
    previous = GENESIS
    for sealed in EventSeal.objects.order_by("day"):
        digest, count = _digest(sealed.day, previous)
        kept = bytes(sealed.digest)
        if digest != kept or count != sealed.events:
            yield Break(sealed.day, kept.hex(), digest.hex(), sealed.events, count)
        previous = kept


def _settled_until() -> datetime:
    """No transaction still open began before this, so no event recorded before it can still appear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least(statement_timestamp() - interval '1 minute', min(xact_start)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _digest(day: date, previous: bytes) -> tuple[bytes, int]:
    chain, count = hashlib.sha256(previous), 0
    # A named cursor of our own, so that a day of millions isn't read into memory at once.
    with transaction.atomic(), connection.connection.cursor(name="seal") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(_ROWS, (_start(day), _start(day + timedelta(days=1))))
        for row in cursor:
            chain.update(bytes(row[0]))
            count += 1
    return chain.digest(), count


# Every column, each as text whose form depends on no setting, kept apart by a byte that can't occur in text.
_ROWS = """
SELECT sha256(convert_to(concat_ws(chr(31), e.id, e.uid, e.type, extract(epoch FROM e.occurred_at),
    extract(epoch FROM e.recorded_at), e.subject_kind, e.subject_uid, e.subject_label, e.actor_kind, e.actor_uid,
    e.actor_label, e.correlation_id, e.data::text,
    (SELECT string_agg(concat_ws(chr(30), o.kind, o.uid, o.label, o.qualifier), chr(29) ORDER BY o.id)
     FROM core_eventobject o WHERE o.event_id = e.id)), 'UTF8'))
FROM core_event e WHERE e.recorded_at >= %s AND e.recorded_at < %s ORDER BY e.id
"""
