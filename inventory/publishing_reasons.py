"""The case of a channel that sells by figures that are no longer true."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Min, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from exceptions import reasons
from exceptions.reasons import Action, Column, Context, Evidence, Opening, Reason, Row
from inventory import weights
from inventory.models import ChannelFeed, Publication

LATE = timedelta(minutes=10)  # a channel usually hears within seconds
SHOWN = 20


def _late() -> QuerySet[Publication]:
    """Figures that have waited too long to be told."""
    return Publication.objects.filter(feed__active=True, dirty_since__lt=Now() - LATE).order_by()


def _is_late(uid: str) -> bool:
    return _late().filter(feed_id=int(uid)).exists()


def _standing() -> Iterable[str]:
    return [str(pk) for pk in _late().values_list("feed_id", flat=True).distinct()]


def _feed(uid: str) -> ChannelFeed | None:
    return ChannelFeed.objects.filter(pk=uid).first()


def _describe(uid: str) -> Opening | None:
    feed = _feed(uid)
    if feed is None:
        return None
    waiting = Publication.objects.filter(feed=feed, dirty_since__isnull=False)
    return Opening(
        label=feed.channel,
        title=f"{feed} sells by old figures",
        summary=feed.last_error or f"{waiting.count():,} figures wait to be told.",
        started_at=waiting.aggregate(oldest=Min("dirty_since"))["oldest"],
    )


def _evidence(uid: str) -> list[Evidence]:
    feed = _feed(uid)
    if feed is None:
        return []
    waiting = Publication.objects.filter(feed=feed, dirty_since__isnull=False).select_related("item")
    now = timezone.now()
    rows = [
        Row(
            (each.item.sku, _told(each), f"{(now - each.dirty_since).total_seconds() / 60:,.0f} min"),
            hot=now - each.dirty_since > LATE,
        )
        for each in waiting.order_by("dirty_since", "id")[:SHOWN]
        if each.dirty_since is not None
    ]
    return [
        Evidence(
            "What the channel hasn’t heard, the oldest first",
            ("Item", Column("It believes", numeric=True), Column("Waits", numeric=True)),
            rows,
            empty="It has heard everything.",
        ),
        Evidence(
            "Trying to reach it",
            ("Last error", Column("Failures in a row", numeric=True), "Last heard"),
            [Row((feed.last_error or "None", f"{feed.failures}", _moment(feed)))],
        ),
    ]


def _told(publication: Publication) -> str:
    level = publication.level
    return "Nothing yet" if level is None else f"{sum(level.values()):,}"


def _moment(feed: ChannelFeed) -> str:
    return feed.acknowledged_at.strftime("%Y-%m-%d %H:%M UTC") if feed.acknowledged_at else "Never"


def _context(uid: str) -> Context | None:
    feed = _feed(uid)
    return Context(title=feed.title, facts=[("Channel", feed.channel)]) if feed else None


def _page(uid: str) -> str:
    return reverse("inventory:publishing")


CHANNEL_BEHIND = Reason(
    code="inventory.channel_behind",
    impact=weights.of_feed,
    title="Channel sells by old stock figures",
    queue="integration",
    subject_kind="channel_feed",
    icon="send",
    severity=reasons.HIGH,
    acknowledge_minutes=30,
    resolve_minutes=4 * 60,
    business_time=False,
    description="Changes of stock have not reached a channel for too long: it may sell what is gone.",
    clears="The channel has heard every change older than ten minutes.",
    predicate=_is_late,
    evidence=_evidence,
    context=_context,
    standing=_standing,
    describe=_describe,
    actions=(Action(code="open", title="See how each channel is told", href=_page, primary=True),),
)

REASONS = (CHANNEL_BEHIND,)
