"""What this app does about facts of higher floors. They come by event; config/wiring.py says which."""

from __future__ import annotations

from core.actors import SYSTEM
from core.events import Fact
from inventory.services import counts, naming

UNSURE = frozenset({"NOT_FOUND", "MISMATCH"})  # the reasons of facts that don't say themselves whether to count


def count_after_short_pick(fact: Fact) -> None:
    """A picker found fewer than the books say: have that item counted where it happened. Safe to repeat."""
    place = next((subject for subject, qualifier in fact.related if qualifier == "location"), None)
    item = fact.data.get("item")
    counts_it = fact.data.get("counts", fact.data.get("reason") in UNSURE)
    if place is None or not item or not counts_it:
        return
    items = naming.countable([int(item)])
    if not items:
        return
    note = f"{fact.data.get('quantity')} not found by {fact.actor.label}"
    counts.request(int(place.uid), items, cause=fact.subject, actor=SYSTEM, note=note)
