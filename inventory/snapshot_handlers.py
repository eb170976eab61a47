"""What inventory does when something happened elsewhere. Handlers are idempotent; each is one call."""

from __future__ import annotations

from core.actors import SYSTEM
from core.events import Fact
from inventory.models import StockSource
from inventory.services import snapshots


def resolve_named(fact: Fact) -> None:
    """An alias was added: lines that waited for this code are looked at again."""
    for source in StockSource.objects.filter(alias_system=str(fact.data.get("system", ""))):
        snapshots.resolve_again(source.pk, actor=SYSTEM)


def resolve_mapped(fact: Fact) -> None:
    """A source's statuses were mapped: its lines are looked at again."""
    snapshots.resolve_again(int(fact.subject.uid), actor=SYSTEM)
