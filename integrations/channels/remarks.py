"""What an order asks for in words, beneath the buyer's own note: personalisation and gift messages, delivery wishes,
the service that was paid for, tax numbers. A person reads it; nothing is decided by it. Pure.

A remark is (name, value) and becomes one line "name: value". Shops keep values for their own machines under names that
begin with an underscore; those are left out, as is what advertisers leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.reading import Node
from orders.canonical import clean

Remark = tuple[str, str]
MOST = 5000
WORDS = 1000
# What advertisers and shop apps leave on an order for their own counting; nobody who packs it asked for it.
_TRACKING = re.compile(r"utm.*|.*clid|fbc|fbp|ttp|kx|sh|sw|host|locale|landing.*|refer.*|ga_.*|_.*", re.IGNORECASE)


def noted(note: str, remarks: Iterable[Remark]) -> str:
    """The buyer's own words, then each remark that says something on a line of its own, once."""
    lines = [note, *(f"{name}: {said}" if name else said for name, said in remarks if said)]
    return "\n".join(dict.fromkeys(line for line in lines if line))[:MOST].strip()


def named(value: Any, name: str = "name", said: str = "value", *, of: str = "") -> Iterator[Remark]:
    """The pairs of a list of objects, or of one object whose keys are the names; `of` says what they are about."""
    if isinstance(value, dict):
        pairs: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        pairs = ((each.get(name), each.get(said)) for each in value if isinstance(each, dict))
    else:
        return
    for key, words in pairs:
        called = text(key)
        if called and not _TRACKING.fullmatch(called) and text(words):
            yield (f"{of}, {called}" if of else called), text(words)


def text(value: Any) -> str:
    """A plain value as words on one line; nothing for what has parts of its own."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (str, int, Decimal)):
        return ""
    return " ".join(clean(str(value)).split())[:WORDS]


def part(node: Node | None, *keys: str) -> str:
    """The words at the end of a path of keys, none where something on the way is missing."""
    value = node.value if node else None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return text(value)


def ship_by(at: datetime | None) -> Remark:
    """By when the channel wants it on its way."""
    return "Send by", f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def delivery(*ways: str) -> Remark:
    """The ways of delivery the buyer chose, by the names the channel gives them."""
    return "Delivery", ", ".join(dict.fromkeys(way for way in ways if way))
