"""Units that are still in the books of a place but no longer on its shelves: picked, and not yet gone.

Whoever sets units aside says how many; a count of the shelf would miss them otherwise. Higher floors register
themselves, so nothing here knows what an order is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

Provider = Callable[[int, Collection[int]], Mapping[int, int]]
_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """`provider(location_id, item_ids)` answers {item id: units set aside there now}. Called from AppConfig.ready()."""
    _providers[name] = provider


def of(location_id: int, item_ids: Collection[int]) -> Counter[int]:
    """Units of each item that stand elsewhere at the place: one query per provider."""
    found: Counter[int] = Counter()
    for provider in _providers.values():
        found.update(provider(location_id, item_ids))
    return found
