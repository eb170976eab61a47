"""What a channel vendor has to bring: how it signs and labels deliveries, and what they mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from integrations import sense
from integrations.channels import listings
from integrations.channels.meaning import Meaning
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews, Standing
from integrations.models import Connection
from integrations.payments.port import PaymentPort
from inventory.services.figures import Level
from inventory.services.publishing import Outcome


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the envelope says of one delivery. `external_id` is unique within the connection for ever."""

    external_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document asked for, as it goes into the inbox. `external_id` names this version of it for ever.

    A document that a webhook may bring as well has the same meaning, whichever came first: intake sees to that.
    """

    external_id: str
    topic: str
    body: bytes

    @classmethod
    def named_by_itself(cls, name: str, body: bytes) -> Document:
        """For a vendor that states no version, or one that not every change moves: its own bytes name the version."""
        return cls(f"{name}@{hashlib.sha256(body).hexdigest()[:32]}", "", body)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a feed. `cursor` says where the next part begins, now or at the next look; `more` that it is there."""

    documents: tuple[Document, ...]
    cursor: str
    more: bool = False
    # Called once its documents are in the inbox: for a queue that gives up only what somebody keeps.
    kept: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A list of a vendor's that is read from where it was left, every so often.

    `fetch(connection, cursor)` makes the calls for one page and returns it; the first cursor is "". It raises what
    http.request raises. A feed beside webhooks looks back far enough to find what these missed.
    """

    name: str
    title: str
    every: timedelta
    fetch: Callable[[Connection, str], Page]
    # Whether this connection is set up for it; without a word each that can be called is.
    offered: Callable[[Connection], bool] = bool


@dataclass(frozen=True, slots=True)
class Vendor:
    """One channel vendor. `understand(topic, body)` is pure and raises nothing but Unreadable.

    `verify(body, headers, secrets, now)` answers whether any of the secrets signed these bytes.
    """

    name: str
    title: str
    mapping_version: str
    understand: Callable[[str, bytes], Meaning]
    verify: Callable[[bytes, Mapping[str, str], Iterable[str], datetime], bool]
    delivery: Callable[[bytes, Mapping[str, str]], Delivery]
    # For a vendor that signs the address it sent to as well: `verify` with that address before the others.
    verify_at: Callable[[str, bytes, Mapping[str, str], Iterable[str], datetime], bool] | None = None
    # For a vendor that signs with keys of its own: the name of the key that the headers say signed.
    signer: Callable[[Mapping[str, str]], str] | None = None
    # For a vendor that asks an address before it sends anything: answer_challenge(query, address, token), its answer.
    answer_challenge: Callable[[Mapping[str, str], str, str], Mapping[str, str] | None] | None = None
    # Tell the vendor of a shipment, once whatever is retried; returns the vendor's own id of it.
    tell_shipment: Callable[[Connection, ShipmentNews], str] | None = None
    # Tell the vendor that an order of its was changed here; returns words for people. Permanent where it won't have it.
    tell_change: Callable[[Connection, ChangeNews, ChangeMemory], str] | None = None
    # Bring the vendor's own plan of an order to where its units leave from here, and whether they may; returns words.
    tell_standing: Callable[[Connection, Standing], str] | None = None
    # Tell the vendor how much of each item it may sell; one outcome for each. `key` is new for each batch: whatever is
    # repeated under it counts once. Raises TryLater or Permanent where nothing was told.
    set_levels: Callable[[Connection, Sequence[Level], str], Sequence[Outcome]] | None = None
    levels_at_once: int = 250
    # For a channel that moves the money of its own orders when it is told to: its payment port.
    payments: Callable[[Connection], PaymentPort] | None = None
    # Whether the connection is set up for calls at all; one that only receives is not told anything.
    can_be_called: Callable[[Connection], bool] = bool
    # What can be asked for instead of waited for.
    feeds: tuple[Feed, ...] = ()
    # For a vendor whose messages only name what changed (see meaning.AskFor): fetch(connection, what, ref).
    fetch: Callable[[Connection, str, str], Sequence[Document]] | None = None
    # For a vendor whose documents mean what the connection's settings say: its `understand` for this connection.
    as_settled: Callable[[Connection], Callable[[str, bytes], Meaning]] | None = None
    # What an entry of its catalogue is sold as, for a vendor with the feed of one (see catalogue.feed).
    listed: listings.Read | None = None

    def __post_init__(self) -> None:
        """An answer that makes no sense ends whatever was asked in a named failure."""
        for name in ("tell_shipment", "tell_change", "tell_standing", "set_levels", "fetch"):
            if act := getattr(self, name):
                object.__setattr__(self, name, sense.made(act, self.title))
        feeds = tuple(replace(feed, fetch=sense.made(feed.fetch, self.title)) for feed in self.feeds)
        object.__setattr__(self, "feeds", feeds)

    def reader(self, connection: Connection) -> Callable[[str, bytes], Meaning]:
        read = self.as_settled(connection) if self.as_settled else self.understand
        listed = self.listed
        if listed is None:
            return read
        return lambda topic, body: listings.read(body, listed) if topic == listings.TOPIC else read(topic, body)


def never_signed(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """For a vendor that sends no webhooks, or signs none: nothing that claims to be one is believed."""
    return False
