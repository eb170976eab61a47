"""What the demo keeps back: safety stock everywhere, buffers for the stores whose figures lag."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from core.actors import SYSTEM
from inventory.models import BufferRule, Location
from inventory.services import buffers
from inventory.services.buffers import Draft


def make(say: Callable[[str], None]) -> None:
    """A handful of rules of every kind. Made once."""
    if BufferRule.objects.exists():
        return
    store = Location.objects.filter(kind="STORE").order_by("code").first()
    rules = [
        Draft("SAFETY", "UNITS", Decimal(1), note="Nobody likes to look for the last one"),
        Draft("BUFFER", "PERCENT", Decimal(5), channel="web-eu", at_most=10, note="Customs forms take a day"),
        Draft("BUFFER", "DERIVED", Decimal(2), channel="web-uk", at_least=1, at_most=20, note="Follows the feed"),
    ]
    if store is not None:
        note = "A shop that looks empty sells nothing"
        rules.append(Draft("SAFETY", "UNITS", Decimal(2), location_id=store.pk, note=note))
    for rule in rules:
        buffers.save(rule, actor=SYSTEM)
    say(f"{len(rules)} rules that keep units back")
