"""Asking channels for what they have: feeds read page by page into the inbox, and documents that a message only named.

A page's documents and the place where the next one begins are stored in one transaction, so a reader that dies repeats
a page at most, and a repeated document is counted on the first. Whoever reads holds a lease; calls are made outside of
any transaction.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.errors import Permanent, TryLater
from core.events import Fact
from integrations import bulkhead, inbox
from integrations.channels import registry
from integrations.channels.vendor import Document, Feed, Page
from integrations.failures import Unreadable
from integrations.models import Connection, FeedState

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
BUDGET_SECONDS = 50.0  # of one reader; the rest of a long feed goes on at once with the next
WAITS_AT_MOST = timedelta(hours=1)  # between two tries of a feed that fails
AT_ONCE = 50
KINDS = ("CHANNEL", "POS", "ERP", "SUPPLIER", "WMS", "PAYMENT")  # of connections that have feeds
EACH_AT_ONCE = 2  # feeds of one connection; of a slow one only one


def ensure() -> None:
    """A row for each feed that a connection in use can be asked for and is meant to be.

    Its settings say `"feeds"`: false for none, names for some. Without a word all of a channel's are read and none of
    an ERP's: whose word on items and stock counts is for people to say.
    """
    connections = Connection.objects.filter(kind__in=KINDS, status=Connection.Status.ACTIVE)
    wanted = []
    for connection in connections:
        vendor = registry.find(connection.vendor)
        told = connection.settings.get("feeds", connection.kind != Connection.Kind.ERP)
        if vendor and vendor.feeds and told and vendor.can_be_called(connection):
            offered = [feed.name for feed in vendor.feeds if feed.offered(connection)]
            names = [name for name in offered if told is True or name in told]
            wanted += [FeedState(connection=connection, name=name) for name in names]
    FeedState.objects.bulk_create(wanted, ignore_conflicts=True)


def due() -> list[int]:
    """Feeds whose time has come, the longest waiting first: of one connection no more than it may have read at once, so
    that one with many feeds, or a slow one, leaves workers for the others."""
    ensure()
    with database.cursor() as cursor:
        cursor.execute(_DUE, {"slow": list(bulkhead.slow_ones()), "each": EACH_AT_ONCE, "limit": AT_ONCE})
        return [row[0] for row in cursor.fetchall()]


def read(feed_id: int, *, budget: float = BUDGET_SECONDS) -> int:
    """Read a feed that is due from where it was left; returns how many documents nobody had brought before.

    Never raises for anything the other side does: that is kept on the row and tried again, later each time. Safe to
    repeat and to race: one reader at a time, and one whose lease has passed to another stores nothing.
    """
    token = uuid4()
    state = _claim(feed_id, token)
    if state is None:
        return 0
    vendor = registry.find(state.connection.vendor)
    feed = next((each for each in vendor.feeds if each.name == state.name), None) if vendor else None
    if feed is None:
        FeedState.objects.filter(pk=feed_id).update(active=False, lease_token=None, last_error="No longer offered.")
        return 0
    found, ends, cursor = 0, time.monotonic() + budget, state.cursor
    try:
        while True:
            page = feed.fetch(state.connection, cursor)
            found += _store(state, token, page)
            if page.kept:
                page.kept()
            if not page.more:
                break
            if page.cursor == cursor:
                raise Permanent("It says there is more and begins again where it began.")
            cursor = page.cursor
            if time.monotonic() >= ends:
                _release(state, token, after=timedelta(0))
                return found
    except _Lost:
        return found
    except (TryLater, Permanent, Unreadable) as error:
        _failed(state, token, feed, error)
        return found
    except Exception as error:
        log.exception("feed.broke", extra={"feed": state.name, "connection": state.connection.code})
        _failed(state, token, feed, Permanent(f"Backroom stumbled over it ({type(error).__name__})."))
        return found
    _release(state, token, after=feed.every, ok_at=timezone.now(), failures=0, last_error="")
    return found


def restart(state: FeedState, cursor: str = "") -> None:
    """Read it again from `cursor`, from the beginning by default, as soon as somebody can."""
    FeedState.objects.filter(pk=state.pk).update(
        cursor=cursor, next_at=timezone.now(), failures=0, last_error="", active=True, lease_token=None
    )


def fetch_wanted(event: Fact) -> None:
    """document.wanted: fetch what a message only named. Safe to repeat; a paused connection keeps it waiting."""
    connection = Connection.objects.select_related("channel").get(code=event.data["connection"])
    vendor = registry.find(connection.vendor)
    if vendor is None or vendor.fetch is None:
        raise Permanent(f"{connection.name} can't be asked for documents.")
    documents = vendor.fetch(connection, event.data["what"], event.data["ref"])
    with transaction.atomic():
        accept(connection, documents)


def accept(connection: Connection, documents: Sequence[Document]) -> int:
    """Put documents that were asked for into the inbox; returns how many nobody had brought before."""
    return sum(
        inbox.accept(
            connection,
            external_id=document.external_id,
            headers={},
            body=document.body,
            topic=document.topic,
            verdict=inbox.Verdict.NONE,
        )[1]
        for document in documents
    )


class _Lost(Exception):
    """Somebody else reads this feed now."""


def _claim(feed_id: int, token: UUID) -> FeedState | None:
    with database.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": feed_id, "token": token, "lease": LEASE_SECONDS})
        if cursor.rowcount != 1:
            return None
    return FeedState.objects.select_related("connection__channel").get(pk=feed_id)


def _store(state: FeedState, token: UUID, page: Page) -> int:
    with transaction.atomic():
        found = accept(state.connection, page.documents)
        kept = FeedState.objects.filter(pk=state.pk, lease_token=token).update(
            cursor=page.cursor,
            next_at=timezone.now() + timedelta(seconds=LEASE_SECONDS),
            documents=F("documents") + len(page.documents),
            found=F("found") + found,
        )
        if not kept:
            raise _Lost
    return found


def _failed(state: FeedState, token: UUID, feed: Feed, error: Exception) -> None:
    """Again when the other side says, else twice as long after each time. Waiting for our own pace is no failure."""
    counts = not (isinstance(error, TryLater) and not error.spends_attempt)
    failures = state.failures + counts
    named = error.seconds if isinstance(error, TryLater) else None
    longest = min(feed.every * 2 ** min(failures, 10), WAITS_AT_MOST)
    wait = timedelta(seconds=named) if named is not None else longest * random.uniform(0.5, 1)
    words = str(error)[:500] if counts else ""
    _release(state, token, after=wait, failures=failures, last_error=words or state.last_error)


def _release(state: FeedState, token: UUID, *, after: timedelta, **fields: object) -> None:
    FeedState.objects.filter(pk=state.pk, lease_token=token).update(
        lease_token=None, next_at=timezone.now() + after, **fields
    )


_DUE = """
SELECT id FROM (
    SELECT f.id, f.next_at, f.connection_id,
        row_number() OVER (PARTITION BY f.connection_id ORDER BY f.next_at, f.id) + (
            SELECT count(*) FROM integrations_feedstate held WHERE held.connection_id = f.connection_id
                AND held.lease_token IS NOT NULL AND held.next_at > statement_timestamp()
        ) AS place
    FROM integrations_feedstate f
    JOIN integrations_connection c ON c.id = f.connection_id AND c.status = 'ACTIVE'
    WHERE f.active AND f.next_at <= statement_timestamp()
) due
WHERE place <= CASE WHEN connection_id = ANY(%(slow)s::uuid[]) THEN 1 ELSE %(each)s END
ORDER BY next_at, id LIMIT %(limit)s
"""

# While it is leased `next_at` is the end of the lease.
_CLAIM = """
UPDATE integrations_feedstate
SET lease_token = %(token)s, asked_at = statement_timestamp(),
    next_at = statement_timestamp() + make_interval(secs => %(lease)s)
WHERE id = (
    SELECT f.id FROM integrations_feedstate f
    JOIN integrations_connection c ON c.id = f.connection_id AND c.status = 'ACTIVE'
    WHERE f.id = %(id)s AND f.active AND f.next_at <= statement_timestamp()
    FOR NO KEY UPDATE OF f SKIP LOCKED
)
"""
