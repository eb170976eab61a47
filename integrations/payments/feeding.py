"""Settlements that come by themselves: payouts asked for at their provider, each whole, as one message of the inbox.

A payout is stored once it is paid, with everything in it; one still on its way keeps the place to look from, so that it
is found however late it is paid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from integrations.channels.meaning import Meaning, TakeSettlement
from integrations.channels.vendor import Document, Page
from integrations.models import Connection, InboundMessage

TOPIC = "settlement"
EVERY = timedelta(hours=1)
PAYOUTS = 5  # a page: each is asked for line by line
BACK = 7 * 86_400  # seconds looked back beyond the newest, for what was listed late


@dataclass(frozen=True, slots=True)
class Place:
    """How far a list of payouts was read, as the feed keeps it: seconds since 1970, and the list's own next page."""

    since: int = 0
    newest: int = 0
    waiting: int = 0  # since when something isn't paid yet, 0 for nothing
    after: str = ""

    @classmethod
    def of(cls, cursor: str) -> Place:
        since, newest, waiting, after = (cursor.split("|", 3) + [""] * 4)[:4]
        return cls(int(since or 0), int(newest or 0), int(waiting or 0), after)

    def __str__(self) -> str:
        return f"{self.since}|{self.newest}|{self.waiting}|{self.after}"

    def seen(self, at: int, *, final: bool) -> Place:
        waiting = self.waiting if final else min(at, self.waiting or at)
        return replace(self, newest=max(self.newest, at), waiting=waiting)

    def following(self, after: str) -> Place:
        """Where to go on: the list's next page, or, at its end, from before what may still change."""
        if after:
            return replace(self, after=after)
        since = max(self.since, self.newest - BACK)
        return Place(min(since, self.waiting) if self.waiting else since)


@dataclass(frozen=True, slots=True)
class Listed:
    """A payout as the list has it: when it was made, whether nothing will change about it any more, and is paid."""

    ref: str
    at: int
    final: bool
    paid: bool
    row: dict[str, Any]


def page(
    connection: Connection, place: Place, listed: Sequence[Listed], after: str,
    whole: Callable[[Listed], dict[str, Any]],
) -> Page:  # fmt: skip
    """The payouts of a page that are paid and not here yet, each with what `whole` asks for."""
    for each in listed:
        place = place.seen(each.at, final=each.final)
    here = _here(connection, (each.ref for each in listed))
    documents = tuple(
        Document(_name(each.ref), TOPIC, json.dumps(whole(each), separators=(",", ":")).encode())
        for each in listed
        if each.paid and _name(each.ref) not in here
    )
    return Page(documents, str(place.following(after)), more=bool(after))


def meaning(provider: str) -> Meaning:
    """What such a message means; its bytes are the provider's statement."""
    return Meaning(acts=(TakeSettlement(provider),))


def _name(ref: str) -> str:
    return f"payout:{ref}"


def _here(connection: Connection, refs: Iterable[str]) -> set[str]:
    names = [_name(ref) for ref in refs]
    found = InboundMessage.objects.filter(connection=connection, external_id__in=names)
    return set(found.values_list("external_id", flat=True))
