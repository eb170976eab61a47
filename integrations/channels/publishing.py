"""Telling channels what they may sell: claimed from inventory, sent by the vendor's client, acknowledged."""

from __future__ import annotations

import logging
import time

from core.errors import Permanent, TryLater
from integrations import bulkhead, cutover
from integrations.channels import registry
from integrations.channels.vendor import Vendor
from integrations.failures import FailureClass
from integrations.models import Connection
from inventory.models import ChannelFeed
from inventory.services import full_publication, publishing
from inventory.services.publishing import Batch

log = logging.getLogger(__name__)

SECONDS = 8.0  # how long one turn may take: workers have other calls to make, and the next tick goes on
GOOD_REASON_SECONDS = 60.0  # a channel that refuses for good (a revoked token) is asked again this rarely


def publish(*, seconds: float = SECONDS) -> int:
    """Fold what changed and tell every channel its latest figures; returns how many were acknowledged.

    Each channel gets its turn, batch by batch; a slow one comes when the others have nothing left, and costs them no
    more than a call. A channel that can't be reached is left alone for a while and catches up with the latest figures,
    not with every step.
    """
    until = time.monotonic() + seconds
    told = 0
    waiting = follow_connections()
    while waiting and time.monotonic() < until:
        publishing.fold_all()
        slow = bulkhead.slow_ones()
        quick = [channel for channel, (_, connection, _) in waiting.items() if connection.pk not in slow]
        for channel in quick or list(waiting)[:1]:
            done = _one_batch(*waiting[channel])
            if done is None:
                del waiting[channel]
            else:
                told += done
    return told


def follow_connections() -> dict[str, tuple[Vendor, Connection, ChannelFeed]]:
    """Open a feed for every channel whose connection is set to publish stock, close the others' feeds.

    The oldest connection of a channel tells it. A paused connection keeps its feed: figures wait and stay the latest.
    """
    tellers: dict[str, tuple[Vendor, Connection, ChannelFeed]] = {}
    connections = Connection.objects.filter(kind=Connection.Kind.CHANNEL, settings__publish_stock=True)
    usable = connections.exclude(status=Connection.Status.DISABLED).select_related("channel")
    for connection in usable.order_by("created_at"):
        vendor = registry.find(connection.vendor)
        channel = connection.channel
        if channel is None or channel.code in tellers or vendor is None or vendor.set_levels is None:
            continue
        if vendor.can_be_called(connection) and cutover.publishes(connection):
            feed = publishing.open_feed(
                channel.code,
                channel.name,
                per_location=bool(connection.settings.get("stock_locations")),
                inbound_days=_days(connection.settings.get("stock_inbound_days")),
            )
            tellers[channel.code] = (vendor, connection, feed)
    for channel_code in ChannelFeed.objects.filter(active=True).values_list("channel", flat=True):
        if channel_code not in tellers:
            publishing.close_feed(channel_code)
    return {code: each for code, each in tellers.items() if each[1].status == Connection.Status.ACTIVE}


def _days(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 365 else 0


def _one_batch(vendor: Vendor, connection: Connection, feed: ChannelFeed) -> int | None:
    """Send one batch; how many figures the channel heard or knew, None when nothing is left to send now."""
    feed.refresh_from_db()
    full_publication.obey_stop(feed)
    batch = publishing.claim(feed, limit=vendor.levels_at_once)
    if batch is None:
        return None
    if not batch.levels:
        return 0
    return _send(vendor, connection, batch)


def _send(vendor: Vendor, connection: Connection, batch: Batch) -> int | None:
    if vendor.set_levels is None or not publishing.still_ours(batch):
        return 0
    try:
        outcomes = vendor.set_levels(connection, batch.levels, str(batch.token))
    except TryLater as later:
        if _only_a_pause(later):
            publishing.release(batch, seconds=later.seconds or 1.0)
        else:
            publishing.failed(batch, str(later), seconds=later.seconds)
        return None
    except Permanent as refused:
        publishing.failed(batch, str(refused), seconds=GOOD_REASON_SECONDS)
        return None
    told = publishing.acknowledge(batch, outcomes)
    publishing.measure(batch.feed_id)
    return told


def _only_a_pause(later: TryLater) -> bool:
    """Our own pace, or the channel's rate limit: figures wait their turn, and nobody has failed."""
    return not later.spends_attempt or getattr(later, "failure_class", None) == FailureClass.RATE_LIMIT
