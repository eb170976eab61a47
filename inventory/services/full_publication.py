"""Telling a channel everything again, as a job that can be watched and stopped. The usual sender does the sending."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from core import events, jobs
from core.actors import Actor
from core.errors import Refusal
from core.models import Job
from core.subjects import Subject
from inventory.events import SNAPSHOT_ASKED
from inventory.models import ChannelFeed, Publication

KIND = "inventory.full_publication"


def request(feed_id: int, *, actor: Actor) -> Job:
    """Mark every item we stock, and every kit, to be sent to the channel whether it changed or not. Locks the feed.

    Raises Refusal("feed_closed"), or Refusal("already_asked") while an earlier one is under way.
    """
    with transaction.atomic():
        feed = ChannelFeed.objects.select_for_update(no_key=True).get(pk=feed_id)
        if not feed.active:
            raise Refusal("feed_closed", f"{feed} isn't told of stock.", channel=feed.channel)
        if feed.snapshot_id and not jobs.stopping(feed.snapshot_id):
            raise Refusal("already_asked", f"{feed} is being told everything already.", job=feed.snapshot_id)
        job = jobs.start(KIND, actor, {"channel": feed.channel}, title=f"Tell {feed} every figure")
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [feed_id])
            marked = cursor.rowcount
        jobs.begin(job.pk, total=marked)
        ChannelFeed.objects.filter(pk=feed_id).update(snapshot=job if marked else None)
        if not marked:
            jobs.finish(job.pk)
        subject = Subject("channel_feed", feed.channel, feed.title)
        events.record(SNAPSHOT_ASKED, subject, actor=actor, data={"items": marked, "job": job.pk})
    job.refresh_from_db()
    return job


def obey_stop(feed: ChannelFeed) -> None:
    """Where somebody pressed stop, the rest needn't be sent for its own sake: changed figures still are."""
    if feed.snapshot_id is None or not jobs.stopping(feed.snapshot_id):
        return
    with transaction.atomic():
        Publication.objects.filter(feed=feed, forced=True).update(forced=False)
        ChannelFeed.objects.filter(pk=feed.pk, snapshot_id=feed.snapshot_id).update(snapshot=None)
        jobs.stopped(feed.snapshot_id)


def advance(feed_id: int, ended: Sequence[tuple[str, str]]) -> None:
    """Count what was told: (sku, why the channel refused it or ""). The last row ends the job."""
    job_id = ChannelFeed.objects.values_list("snapshot_id", flat=True).get(pk=feed_id)
    if job_id is None:
        return
    refused = [{"row": sku, "code": "refused", "reason": problem} for sku, problem in ended if problem]
    jobs.advance(job_id, len(ended) - len(refused), refused)
    if not Publication.objects.filter(feed_id=feed_id, forced=True).exists():
        jobs.finish(job_id)
        ChannelFeed.objects.filter(pk=feed_id, snapshot_id=job_id).update(snapshot=None)


_MARK = """
INSERT INTO inventory_publication AS known (
    feed_id, item_id, changes, dirty_since, forced, ref, publications, unlisted, problem
)
SELECT %s, item.id, 0, statement_timestamp(), true, '', 0, false, ''
FROM inventory_item item
WHERE item.active AND (item.is_kit OR EXISTS (SELECT FROM inventory_stock WHERE item_id = item.id))
ORDER BY item.id
ON CONFLICT (feed_id, item_id) DO UPDATE SET forced = true,
    dirty_since = coalesce(known.dirty_since, excluded.dirty_since),
    changed_since = CASE WHEN known.lease_token IS NOT NULL
        THEN coalesce(known.changed_since, excluded.dirty_since) END
"""
