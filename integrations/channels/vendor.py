"""What a channel vendor has to bring: how it signs and labels deliveries, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.channels.meaning import Meaning
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the envelope says of one delivery. `external_id` is unique within the connection for ever."""

    external_id: str
    topic: str


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
    # Tell the vendor of a shipment, once whatever is retried; returns the vendor's own id of it.
    tell_shipment: Callable[[Connection, ShipmentNews], str] | None = None
    # Tell the vendor that an order of its was changed here; returns words for people. Permanent where it won't have it.
    tell_change: Callable[[Connection, ChangeNews, ChangeMemory], str] | None = None
    # Tell the vendor how much of each item it may sell; one outcome for each. `key` is new for each batch: whatever is
    # repeated under it counts once. Raises TryLater or Permanent where nothing was told.
    set_levels: Callable[[Connection, Sequence[Level], str], Sequence[Outcome]] | None = None
    levels_at_once: int = 250
    # Whether the connection is set up for calls at all; one that only receives is not told anything.
    can_be_called: Callable[[Connection], bool] = bool
    # For a vendor whose documents mean what the connection's settings say: its `understand` for this connection.
    as_settled: Callable[[Connection], Callable[[str, bytes], Meaning]] | None = None

    def reader(self, connection: Connection) -> Callable[[str, bytes], Meaning]:
        return self.as_settled(connection) if self.as_settled else self.understand
