"""What a marketplace can be told of a change: that fewer units of a line are wanted, down to none. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import Permanent
from integrations.channels.news import ChangeNews

LESS = frozenset({"cancel", "quantity", "remove_line"})


def units_off(news: ChangeNews, standing: Mapping[str, int], title: str) -> dict[str, int]:
    """Units of each line to be cancelled there, where so many still stand; empty when all is so there already.

    Raises Permanent for everything else: that is done by hand.
    """
    other = news.kinds - LESS
    more = [line.ref for line in news.wanted if line.units > standing.get(line.ref, 0)]
    if other or (more and not news.cancels):
        words = ", ".join(sorted(other)) or f"more of {', '.join(more)}"
        raise Permanent(f"{title} can be told of cancelled units only, not of {words}: change it there.")
    wanted = {line.ref: line.units for line in news.wanted}
    return {ref: units - wanted[ref] for ref, units in standing.items() if ref in wanted and units > wanted[ref]}
