"""Stock sent to a channel as a file that it works on for a while, with a report of what it refused afterwards.

One file at a time: until its report is there nothing else is sent, and the figures wait. What it said of a figure that
has changed meanwhile doesn't count: that one goes out with the next. A file nobody remembers is sent again, which sets
the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.core.cache import cache

from core.errors import TryLater
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

REMEMBERED = 6 * 3600  # seconds
Figures = Sequence[tuple[str, int]]  # (SKU there, units)


@dataclass(frozen=True, slots=True)
class Way:
    """How a channel takes such files. `report` says why by SKU, or None while the file is under way."""

    send: Callable[[Connection, Figures], str]
    report: Callable[[Connection, str, Figures], Mapping[str, str] | None]
    pause: float  # seconds before its report is asked for again


def under_way(connection: Connection) -> bool:
    return cache.get(_key(connection)) is not None


def set_levels(connection: Connection, levels: Sequence[Level], way: Way) -> list[Outcome]:
    """What became of the figures of the file that is under way; raises TryLater until that is known, having sent one.

    Levels that were not in it have no outcome yet.
    """
    sent = cache.get(_key(connection))
    if sent is None:
        figures = [(level.ref or level.codes[0], max(level.total, 0)) for level in levels if level.ref or level.codes]
        name = way.send(connection, figures)
        cache.set(_key(connection), (name, figures), REMEMBERED)
        raise _later(name, way)
    name, figures = sent
    problems = way.report(connection, name, figures)
    if problems is None:
        raise _later(name, way)
    cache.delete(_key(connection))
    known = dict(figures)
    outcomes = []
    for level in levels:
        sku = next((code for code in (level.ref, *level.codes) if code in known), "")
        if sku and known[sku] == max(level.total, 0):
            outcomes.append(Outcome(level.item_id, sku, problem=problems.get(sku, "")[:300]))
    return outcomes


def forget(connection: Connection) -> None:
    cache.delete(_key(connection))


def _later(name: str, way: Way) -> TryLater:
    return TryLater(f"The channel works on the file {name}.", seconds=way.pause, spends_attempt=False)


def _key(connection: Connection) -> str:
    return f"stock-feed:{connection.pk}"
