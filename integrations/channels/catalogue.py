"""What a channel sells and by which codes, read from its catalogue as it changes: one feed for all vendors.

A vendor brings `page`, which calls for one page of a walk, and `listed`, which says what one entry of it is sold as.
The entries are stored as they came and read by `listings.read`, so what was misread once can be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations import codes, http
from integrations.channels import listings
from integrations.channels.listings import ENTRIES, FEED, TOPIC
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import Connection

TITLE = "Codes of articles"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
HOURLY, DAILY, WEEKLY = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a catalogue, and whether there is more: at `token` where the other side names its pages."""

    entries: Sequence[dict[str, Any]]
    more: bool = False
    token: str = ""


def feed(page: Callable[[Connection, Walk], Part], listed: listings.Read, *, tells_changes: bool = True) -> Feed:
    """The feed of a catalogue: all of it first, then hourly what changed and weekly all of it again, because nobody
    tells what was taken out; daily all of it where nobody can be asked for changes.

    A page that holds what it held before is known by its contents and costs nothing but the call. What a walk through
    all of it didn't find is marked as gone when it ends.
    """

    def fetch(connection: Connection, cursor: str) -> Page:
        now = datetime.now(UTC)
        walk = Walk.at(cursor, now, first=now - BEGINNING)
        by_hand = bool(cursor) and not cursor.startswith("{")
        if walk.begins and not by_hand and (walk.whole is None or now - walk.whole >= WEEKLY):
            walk = replace(walk, since=BEGINNING)
        whole = walk.since == BEGINNING or not tells_changes
        try:
            part = page(connection, walk)
        except http.FailedForGood as refused:
            return walk.afresh(refused)
        if whole:
            codes.still_listed(connection, listings.codes(part.entries, listed))
            if not part.more:
                codes.gone(connection, since=walk.began)
                walk = replace(walk, whole=walk.began)
        return Page(_documents(part.entries), walk.onward(more=part.more, token=part.token), part.more)

    return Feed(FEED, TITLE, HOURLY if tells_changes else DAILY, fetch)


def _documents(entries: Sequence[dict[str, Any]]) -> tuple[Document, ...]:
    if not entries:
        return ()
    body = write_json({ENTRIES: list(entries)})
    return (Document(f"{FEED}:{hashlib.sha256(body).hexdigest()[:40]}", TOPIC, body),)
