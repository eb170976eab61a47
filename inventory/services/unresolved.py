"""What a source says in words nobody has explained yet: one case per source and kind of word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from core.actors import Actor
from exceptions.services import cases
from inventory.models import LineOutcome, SnapshotLine, StockSource

LOOKED_BACK = timedelta(days=30)  # an older unresolved line no longer waits for anybody
SHOWN = 100

# The case's code -> which unresolved lines it is about, and the column that holds the unexplained word. A line may lack
# several things; each case asks for its own.
KINDS: dict[str, tuple[Q, str]] = {
    "inventory.snapshot_unknown_item": (Q(item__isnull=True), "code"),
    "inventory.snapshot_unknown_location": (Q(location__isnull=True), "place"),
    "inventory.snapshot_unmapped_status": (Q(measure=""), "status"),
}
WHAT = {
    "inventory.snapshot_unknown_item": "item codes",
    "inventory.snapshot_unknown_location": "place codes",
    "inventory.snapshot_unmapped_status": "status words",
}


def lines(source_id: int | None = None) -> QuerySet[SnapshotLine]:
    """Unresolved lines that still wait for an explanation."""
    rows = SnapshotLine.objects.filter(
        outcome=LineOutcome.UNRESOLVED, snapshot__unresolved__gt=0, snapshot__taken_at__gte=timezone.now() - LOOKED_BACK
    )
    return rows if source_id is None else rows.filter(snapshot__source_id=source_id)


def words(reason: str, source_id: int, limit: int = SHOWN) -> list[dict[str, Any]]:
    """The unexplained words, the most frequent first: word, lines, units."""
    which, column = KINDS[reason]
    rows: Any = lines(source_id).filter(which).values(word=F(column))
    return list(rows.annotate(lines=Count("pk")).order_by("-lines", "word")[:limit])


def stands(reason: str, source_id: int) -> bool:
    return lines(source_id).filter(KINDS[reason][0]).exists()


def standing(reason: str) -> Iterable[str]:
    rows = lines().filter(KINDS[reason][0]).order_by().values_list("snapshot__source_id", flat=True).distinct()
    return [str(pk) for pk in rows]


def open_cases(source: StockSource, *, actor: Actor) -> list[int]:
    """Open, refresh or clear the source's cases; returns the open ones' ids."""
    opened = []
    for reason in KINDS:
        found = words(reason, source.pk, 6)
        if found:
            opened.append(cases.open_(reason, source.subject, actor=actor, **opening(reason, source, found)))
    if len(opened) < len(KINDS):
        recheck(source.pk, actor=actor)
    return opened


def opening(reason: str, source: StockSource, found: list[dict[str, Any]]) -> dict[str, Any]:
    named = ", ".join(str(each["word"] or "(empty)") for each in found[:5])
    more = " and more" if len(found) > 5 else ""
    return {"title": f"{source.name} uses {WHAT[reason]} nobody has explained"[:200], "summary": f"{named}{more}"[:500]}


def recheck(source_id: int, *, actor: Actor) -> None:
    source = StockSource.objects.get(pk=source_id)
    cases.recheck(source.subject, cause="Every word is explained.", actor=actor)
