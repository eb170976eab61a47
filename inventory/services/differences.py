"""Where a source and the books disagree: which differences stand, since when, and the cases about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import actors
from core.actors import Actor
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import ReportedStock, StockDifference, StockMovement, StockSnapshot
from inventory.services import comparing, locking
from inventory.services.comparing import Compared, Pair
from inventory.snapshots import Signals, gross_of, likely_cause

REASON = "inventory.snapshot_differs"
CHUNK = 2_000
CASES_AT_ONCE = 500  # the sweeper opens the rest, so that a first snapshot of a hundred thousand items stays quick


def compare(snapshot: StockSnapshot, *, actor: Actor) -> None:
    """Fold a snapshot's understood lines into what was reported, and bring its differences up to date."""
    settle(comparing.fold(snapshot.pk), why=f"{snapshot.number} says so", actor=actor)


def settle(reported_ids: Sequence[int], *, why: str, actor: Actor = actors.SYSTEM) -> int:
    """Make the standing differences say what is true now; returns how many began, changed or ended. Safe to repeat.

    Locks what was reported, in id order, a chunk a transaction unless the caller has one open.
    """
    changed: set[Pair] = set()
    for at in range(0, len(reported_ids), CHUNK):
        with transaction.atomic():
            changed |= _settle(reported_ids[at : at + CHUNK], why)
    _tell_cases(sorted(changed), actor)
    return len(changed)


def _settle(reported_ids: Sequence[int], why: str) -> set[Pair]:
    locked = ReportedStock.objects.filter(pk__in=reported_ids).order_by("pk").select_for_update(no_key=True)
    list(locked.values_list("pk", flat=True))
    found = comparing.read(reported_ids)
    standing = _standing(found)
    now = timezone.now()
    ended, begun, changed = [], [], set()
    for each in found:
        was = standing.get((each.source_id, *each.pair))
        if was is None and not each.deltas:
            continue
        if was is not None and was.deltas == each.deltas and was.beyond == each.beyond:
            if was.snapshot_id != each.snapshot_id:
                StockDifference.objects.filter(pk=was.pk).update(snapshot_id=each.snapshot_id, as_of=each.as_of)
            continue
        changed.add(each.pair)
        if was is not None:
            ended.append(was.pk)
        if each.deltas:
            begun.append(each)
    StockDifference.objects.filter(pk__in=ended).update(ended_at=now, ended_by=why[:200])
    StockDifference.objects.bulk_create(_rows(begun, now))
    return changed


def _standing(found: Iterable[Compared]) -> dict[tuple[int, int, int], StockDifference]:
    wanted = list(found)
    rows = StockDifference.objects.open().filter(
        source_id__in={each.source_id for each in wanted},
        item_id__in={each.item_id for each in wanted},
        location_id__in={each.location_id for each in wanted},
    )
    return {(row.source_id, row.item_id, row.location_id): row for row in rows}


def _rows(begun: Sequence[Compared], now: datetime) -> list[StockDifference]:
    costs = comparing.costs_of({each.item_id for each in begun})
    signals = comparing.signals(begun)
    made = []
    for each in begun:
        cost, currency = costs.get(each.item_id, (None, ""))
        made.append(
            StockDifference(
                source_id=each.source_id,
                item_id=each.item_id,
                location_id=each.location_id,
                snapshot_id=each.snapshot_id,
                as_of=each.as_of,
                deltas=each.deltas,
                units=each.units,
                gross=gross_of(each.deltas),
                value=cost * each.units if cost is not None else None,
                currency=currency,
                beyond=each.beyond,
                cause=likely_cause(each.deltas, signals.get(each.reported_id, Signals())),
                began_at=now,
            )
        )
    return made


def sweep(*, since_movement: int = 0, limit: int = 5_000) -> tuple[int, int]:
    """Look again at what stands and at what moved since movement `since_movement`; returns (changes, last movement).

    This is how a late fact clears or opens a difference between two snapshots.
    """
    last = StockMovement.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    moved = StockMovement.objects.filter(pk__gt=max(since_movement, last - limit), pk__lte=last)
    pairs = {
        (item_id, place)
        for item_id, here, there in moved.values_list("item_id", "from_location_id", "to_location_id")
        for place in (here, there)
        if place is not None
    }
    standing = StockDifference.objects.open().order_by("pk").values_list("item_id", "location_id")
    pairs |= set(standing[:limit])
    ids = comparing.reported(pairs)
    return settle(ids, why="The books were brought up to date"), last


# --- Cases ---------------------------------------------------------------------------------------------------------


def _tell_cases(pairs: Sequence[Pair], actor: Actor) -> None:
    """One case per item and place, whatever number of sources disagree there."""
    if not pairs:
        return
    stock = locking.ensure_rows(pairs)
    worst = _beyond(pairs)
    opened = 0
    for pair in pairs:
        label = stock.get(pair)
        if label is None:
            continue
        subject = Subject("stock", str(label[0]), label[1])
        if pair not in worst:
            cases.recheck(subject, cause="Its sources and the books agree.", actor=actor)
        elif opened < CASES_AT_ONCE:
            opened += 1
            words = opening(worst[pair])
            cases.open_(REASON, subject, actor=actor, **words)


def _beyond(pairs: Collection[Pair]) -> dict[Pair, StockDifference]:
    rows = StockDifference.objects.open().filter(beyond=True).select_related("source", "location", "item")
    rows = rows.filter(item_id__in={i for i, _ in pairs}, location_id__in={p for _, p in pairs}).order_by("gross")
    wanted = set(pairs)
    return {pair: row for row in rows if (pair := (row.item_id, row.location_id)) in wanted}


def opening(row: StockDifference) -> dict[str, Any]:
    """How a case about this difference is worded."""
    more = f"{row.units:+,}".replace("-", "\N{MINUS SIGN}")
    net = "the same units in other states" if row.units == 0 else f"{more} units"
    return {
        "title": f"{row.source.name} disagrees about {row.item.sku} at {row.location.code}"[:200],
        "summary": f"{row.source.name} has {net} against the books; {row.get_cause_display().lower()} is likely.",
        "site_id": row.location.site_id,
        "value": abs(row.value) if row.value is not None else None,
        "currency": row.currency,
        "data": {"source": row.source.code, "snapshot": row.snapshot_id, "units": row.units, "cause": row.cause},
        "started_at": row.began_at,
    }
