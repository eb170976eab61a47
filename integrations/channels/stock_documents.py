"""What translators of stock documents share: figures read strictly, and vendors of whom only stock is read. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.channels.meaning import Meaning, TakeSnapshot
from integrations.channels.vendor import Delivery, Vendor
from integrations.documents import read_json, without_nul
from integrations.failures import unparsable
from integrations.reading import Faults, Node, shown
from inventory.snapshots import LIMIT, IncomingSnapshot, ReportedLine

Translate = Callable[[dict[str, Any], Faults], Meaning | None]


def vendor(name: str, title: str, version: str, translate: Translate) -> Vendor:
    """A vendor whose stock documents are read, and nothing else yet. Its webhooks are refused: nobody can sign them."""

    def understand(topic: str, body: bytes) -> Meaning:
        return understood(body, translate, title)

    return Vendor(name, title, version, understand, _never, delivery)


def understood(body: bytes, translate: Translate, title: str) -> Meaning:
    """The document's meaning. Raises Unreadable for every fault in it, and for a document that is no stock document."""
    unread = unparsable(f"no translator for this document of {title} is installed; the bytes are kept")
    try:
        document = without_nul(read_json(body))
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None
    if not isinstance(document, dict):
        raise unread
    faults = Faults()
    meaning = translate(document, faults)
    faults.raise_if_any()
    if meaning is None:
        raise unread
    return meaning


def snapshot(
    lines: Iterable[ReportedLine],
    statuses: Mapping[str, str],
    *,
    body_of: object,
    as_of: datetime | None = None,
    ref: str = "",
    remarks: tuple[str, ...] = (),
) -> Meaning:
    """One snapshot act, or why there is none. Without a reference of its own it is known by its content."""
    found = tuple(lines)
    if not found:
        return Meaning(ignored="it names no stock at all")
    digest = hashlib.sha256(repr(body_of).encode()).hexdigest()
    taken = IncomingSnapshot(ref or f"sha256:{digest}", as_of, found, remarks=remarks)
    return Meaning(acts=(TakeSnapshot(taken, statuses),))


def units(node: Node, key: str) -> int | None:
    """A figure as it was given, below zero too; None where the sender gives none. Parts of a unit are a fault."""
    value = node.raw(key)
    if value is None or value == "":
        return None
    number: Decimal | None = None
    if not isinstance(value, bool) and isinstance(value, (int, str, Decimal)):
        text = str(value).strip()
        plain = text.removeprefix("-").replace(".", "", 1)
        if plain.isascii() and plain.isdigit() and len(plain) <= 30:
            number = Decimal(text)
    if number is None or number != number.to_integral_value() or abs(number) > LIMIT:
        node.at(key).fault(f"should be a whole number of units, is {shown(value)}")
        return None
    return int(number)


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """When all figures were true: each holds since its own last change, so all of them hold at the latest of these."""
    return max((moment for moment in moments if moment is not None), default=None)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "")


def _never(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    return False
