"""Telling channels what they may sell: changes folded into publications, sent in batches, acknowledged, measured.

Nothing here calls anybody. A higher floor claims a batch, sends it, and says what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from pydantic_core import from_json, to_json

from core import ids, jobs
from inventory.models import ChannelFeed, Publication
from inventory.services import figures, full_publication
from inventory.services.figures import Level

BATCH, FOLD = 250, 5_000
LEASE_SECONDS = 90  # more than twice as long as a call may take: a sender gives up before its lease does
MEASURED_OVER = 1_000  # acknowledgements
BACK_OFF_MOST = 60.0
FOLDING = 0x0F01D  # the advisory lock of whoever folds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the channel made of one figure: taken, or refused in its words, or an item it doesn't sell."""

    item_id: int
    ref: str = ""
    unlisted: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Figures in hand under a lease. Those the channel knows already were let go without being sent."""

    feed_id: int
    channel: str
    token: UUID
    levels: list[Level]
    unchanged: int


# --- Feeds


def open_feed(channel: str, title: str, *, per_location: bool = False, inbound_days: int = 0) -> ChannelFeed:
    """Have a channel be told from now on. Safe to repeat; the changes of before are told by a snapshot."""
    known = ChannelFeed.objects.filter(channel=channel).first()
    wanted = {"title": title[:120], "per_location": per_location, "inbound_days": inbound_days, "active": True}
    if known is None:
        return ChannelFeed.objects.create(channel=channel, **wanted)
    if any(getattr(known, name) != value for name, value in wanted.items()):
        ChannelFeed.objects.filter(pk=known.pk).update(**wanted)
        known.refresh_from_db()
    return known


def close_feed(channel: str) -> None:
    """Stop telling it. What it was told stays on record."""
    ChannelFeed.objects.filter(channel=channel, active=True).update(active=False)


# --- Noticing


def fold(*, limit: int = FOLD) -> int:
    """Turn noticed changes into dirty publications of every active feed; returns how many changes were taken.

    One at a time: a second caller does nothing. A change that is committed later is simply there next time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLDING])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_FOLD, {"limit": limit})
        return int(cursor.fetchone()[0])


def fold_all() -> int:
    """Fold until nothing is left."""
    total = 0
    while taken := fold():
        total += taken
    return total


# --- Sending


def claim(feed: ChannelFeed, *, limit: int = BATCH) -> Batch | None:
    """Lease the publications that have waited longest, reckon their figures now, and keep those worth sending.

    None when nothing waits or the feed backs off. A figure the channel knows already is let go here: two changes that
    cancel each other out are never sent. The figures are read after the lease is taken, so whatever is committed later
    marks the row again.
    """
    token = ids.uuid7()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"feed": feed.pk, "limit": limit, "token": token, "seconds": LEASE_SECONDS})
        rows = cursor.fetchall()
    if not rows:
        return None
    levels = figures.latest(feed, [(item, ref) for item, ref, *_ in rows])
    known = {item: (told and from_json(told), forced, unlisted) for item, _, told, forced, unlisted in rows}
    worth = [level for level in levels if _worth_sending(level, *known[level.item_id])]
    same = {level.item_id for level in levels} - {level.item_id for level in worth}
    if same:
        _let_go(feed.pk, token, sorted(same))
    return Batch(feed.pk, feed.channel, token, worth, len(same))


def _worth_sending(level: Level, told: dict[str, int] | None, forced: bool, unlisted: bool) -> bool:
    """An item the channel doesn't sell is asked about again by a snapshot, not by each of its changes."""
    return forced or (not unlisted and told != level.units)


def still_ours(batch: Batch) -> bool:
    """Renew the lease right before sending: False for a sender that slept so long that somebody else took over."""
    renewed = Publication.objects.filter(feed_id=batch.feed_id, lease_token=batch.token).update(
        leased_until=Now() + timedelta(seconds=LEASE_SECONDS)
    )
    return bool(renewed) and renewed == len(batch.levels)


def acknowledge(batch: Batch, outcomes: Sequence[Outcome]) -> int:
    """The channel answered: keep what it knows now, and how long it took to hear. Returns how many counted.

    Only rows still under the batch's lease count. A row that changed while it was being sent stays dirty; a refused one
    waits for its next change or a snapshot. Locks the publications, then the feed.
    """
    units = {level.item_id: level.units for level in batch.levels}
    columns: list[Any] = [
        [outcome.item_id for outcome in outcomes],
        [to_json(units[outcome.item_id]).decode() for outcome in outcomes],
        [outcome.ref for outcome in outcomes],
        [outcome.unlisted for outcome in outcomes],
        [outcome.problem[:300] for outcome in outcomes],
    ]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ACKNOWLEDGE, [*columns, batch.feed_id, batch.token])
            ended = cursor.fetchall()
        ChannelFeed.objects.filter(pk=batch.feed_id).update(
            acknowledged_at=Now(), failures=0, last_error="", backs_off_until=None
        )
        full_publication.advance(batch.feed_id, [(sku, problem) for _, forced, sku, problem in ended if forced])
    return len(ended)


def failed(batch: Batch, words: str, *, seconds: float | None = None) -> None:
    """The channel couldn't be reached: give the rows back as dirty as they were, and let everybody wait a while.

    `seconds` is what the channel asked for; otherwise the pause doubles with each failure, up to a minute. Nothing
    piles up meanwhile: a row is dirty once, however often it changes.
    """
    with transaction.atomic():
        Publication.objects.filter(feed_id=batch.feed_id, lease_token=batch.token).update(
            lease_token=None, leased_until=None, changed_since=None
        )
        back_off(batch.feed_id, words, seconds=seconds)


def back_off(feed_id: int, words: str, *, seconds: float | None = None, counts: bool = True) -> None:
    """Nobody sends to this channel for a while. A pause that our own pace asks for is no failure (`counts` off)."""
    feed = ChannelFeed.objects.select_for_update(no_key=True).get(pk=feed_id)
    pause = seconds if seconds is not None else min(BACK_OFF_MOST, 2.0 ** min(feed.failures, 6))
    changes: dict[str, Any] = {"backs_off_until": Now() + timedelta(seconds=max(0.2, pause))}
    if counts:
        changes |= {"failures": feed.failures + 1, "last_error": words[:500], "failed_at": Now()}
    ChannelFeed.objects.filter(pk=feed_id).update(**changes)
    if feed.snapshot_id:
        jobs.advance(feed.snapshot_id)  # alive, only waiting


def release(batch: Batch, *, seconds: float) -> None:
    """Not sent, because a rate limit, ours or the channel's, says wait: as before, a little later."""
    with transaction.atomic():
        Publication.objects.filter(feed_id=batch.feed_id, lease_token=batch.token).update(
            lease_token=None, leased_until=None, changed_since=None
        )
        back_off(batch.feed_id, "", seconds=seconds, counts=False)


# --- Measuring


def measure(feed_id: int) -> None:
    """The median and the slow end of the latest acknowledgements, kept on the feed: buffers may follow them."""
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, {"feed": feed_id, "latest": MEASURED_OVER})


def _let_go(feed_id: int, token: UUID, items: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, [feed_id, token, list(items)])


_FOLD = """
WITH taken AS (
    DELETE FROM inventory_availabilitychange WHERE id IN (
        SELECT id FROM inventory_availabilitychange ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) RETURNING item_id, changed_at
), touched AS (
    SELECT item_id, changed_at FROM taken WHERE item_id IS NOT NULL
    UNION ALL
    SELECT part.kit_id, taken.changed_at FROM taken JOIN inventory_kitcomponent part ON part.part_id = taken.item_id
), counted AS (
    SELECT item_id, min(changed_at) AS since, count(*) AS changes FROM touched GROUP BY item_id
), everything AS (
    SELECT min(changed_at) AS since, count(*) AS changes FROM taken WHERE item_id IS NULL HAVING count(*) > 0
), owed AS (
    SELECT feed.id AS feed_id, counted.item_id, counted.since, counted.changes
    FROM inventory_channelfeed feed CROSS JOIN counted
    JOIN inventory_item item ON item.id = counted.item_id
    WHERE feed.active
    UNION ALL
    SELECT known.feed_id, known.item_id, everything.since, everything.changes
    FROM everything CROSS JOIN inventory_publication known
    JOIN inventory_channelfeed feed ON feed.id = known.feed_id AND feed.active
), due AS (
    SELECT feed_id, item_id, min(since) AS since, sum(changes)::bigint AS changes FROM owed
    GROUP BY feed_id, item_id ORDER BY feed_id, item_id
), marked AS (
    INSERT INTO inventory_publication AS known (
        feed_id, item_id, changes, dirty_since, forced, ref, publications, unlisted, problem
    )
    SELECT feed_id, item_id, changes, since, false, '', 0, false, '' FROM due
    ON CONFLICT (feed_id, item_id) DO UPDATE SET
        changes = known.changes + excluded.changes,
        dirty_since = coalesce(known.dirty_since, excluded.dirty_since),
        changed_since = CASE WHEN known.lease_token IS NOT NULL
            THEN coalesce(known.changed_since, excluded.dirty_since) END
)
SELECT count(*) FROM taken
"""

# A lease that ran out is taken over with the change that was noticed meanwhile: its figure is read anew anyway.
_CLAIM = """
WITH due AS (
    SELECT known.id FROM inventory_publication known
    JOIN inventory_channelfeed feed ON feed.id = known.feed_id
    WHERE known.feed_id = %(feed)s AND known.dirty_since IS NOT NULL AND feed.active
        AND (feed.backs_off_until IS NULL OR feed.backs_off_until <= statement_timestamp())
        AND (known.leased_until IS NULL OR known.leased_until <= statement_timestamp())
    ORDER BY known.dirty_since, known.id LIMIT %(limit)s
    FOR NO KEY UPDATE OF known SKIP LOCKED
)
UPDATE inventory_publication known
SET lease_token = %(token)s, leased_until = statement_timestamp() + make_interval(secs => %(seconds)s),
    changed_since = NULL
FROM due WHERE known.id = due.id
RETURNING known.item_id, known.ref, known.level, known.forced, known.unlisted
"""

_LET_GO = """
UPDATE inventory_publication
SET dirty_since = changed_since, changed_since = NULL, lease_token = NULL, leased_until = NULL, problem = ''
WHERE feed_id = %s AND lease_token = %s AND item_id = ANY(%s)
"""

_ACKNOWLEDGE = """
WITH answered AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bool[], %s::text[])
        AS answered(item_id, level, ref, unlisted, problem)
), before AS (
    SELECT known.id, known.forced, item.sku, answered.*
    FROM answered JOIN inventory_publication known USING (item_id) JOIN inventory_item item ON item.id = known.item_id
    WHERE known.feed_id = %s AND known.lease_token = %s
    ORDER BY known.id FOR NO KEY UPDATE OF known
)
UPDATE inventory_publication known SET
    level = CASE WHEN before.unlisted OR before.problem <> '' THEN known.level ELSE before.level::jsonb END,
    ref = CASE WHEN before.unlisted THEN '' WHEN before.ref <> '' THEN before.ref ELSE known.ref END,
    unlisted = before.unlisted, problem = before.problem,
    publications = known.publications + (NOT before.unlisted AND before.problem = '')::int,
    acknowledged_at = CASE WHEN before.unlisted OR before.problem <> '' THEN known.acknowledged_at
        ELSE clock_timestamp() END,
    latency_ms = CASE WHEN before.unlisted OR before.problem <> '' THEN known.latency_ms
        ELSE least(2147483647, extract(epoch FROM clock_timestamp() - known.dirty_since) * 1000)::int END,
    dirty_since = known.changed_since, changed_since = NULL, forced = false, lease_token = NULL, leased_until = NULL
FROM before WHERE known.id = before.id
RETURNING known.item_id, before.forced, before.sku, before.problem
"""

_MEASURE = """
UPDATE inventory_channelfeed feed SET lag_p50_ms = lag.half, lag_p95_ms = lag.slow
FROM (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS half,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) AS slow
    FROM (
        SELECT latency_ms FROM inventory_publication
        WHERE feed_id = %(feed)s AND acknowledged_at IS NOT NULL ORDER BY acknowledged_at DESC LIMIT %(latest)s
    ) latest
) lag
WHERE feed.id = %(feed)s AND lag.half IS NOT NULL
"""
