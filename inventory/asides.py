"""Units that are still in the books of a place but no longer on its shelves: picked, and not yet gone.

Whoever sets units aside says how many, and which where they are told apart; a count of the shelf would miss them
otherwise. Higher floors register themselves, so nothing here knows what an order is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

Provider = Callable[[int, Collection[int]], Mapping[int, int]]
Names = Callable[[int, Collection[int]], Mapping[tuple[int, str], int]]
_providers: dict[str, Provider] = {}
_names: dict[str, Names] = {}


def register(name: str, provider: Provider, names: Names | None = None) -> None:
    """`provider(location_id, item_ids)` answers {item id: units set aside there now}, and `names` the same of tracked
    items by (item id, lot or serial). Called from AppConfig.ready()."""
    _providers[name] = provider
    if names is not None:
        _names[name] = names


def of(location_id: int, item_ids: Collection[int]) -> Counter[int]:
    """Units of each item that stand elsewhere at the place: one query per provider."""
    found: Counter[int] = Counter()
    for provider in _providers.values():
        found.update(provider(location_id, item_ids))
    return found


def named(location_id: int, item_ids: Collection[int]) -> Counter[tuple[int, str]]:
    """Which units of tracked items stand elsewhere at the place."""
    found: Counter[tuple[int, str]] = Counter()
    for names in _names.values():
        found.update(names(location_id, item_ids))
    return found
