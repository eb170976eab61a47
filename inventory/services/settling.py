"""Bringing the books to what a count found: when it is posted, and after facts that were told later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from core.actors import PERSON, SYSTEM, Actor
from core.errors import Refusal
from exceptions.services import cases
from inventory import counting as rules
from inventory import events as facts
from inventory.models import AdjustmentReason, Count, CountEntry, CountLine, CountLot, CountStatus, State, Tracking
from inventory.services import findings, movements
from inventory.services.counting import open_count, record
from inventory.services.findings import Found, Shelf
from inventory.services.locking import Pair, Row, retrying
from inventory.services.movements import Move

UNSETTLED = "inventory.count_unsettled"
LATE_FACTS = timedelta(days=30)  # how long a posted count still answers to facts of before it


def post(count: Count, found: Sequence[Found], shelf: Shelf, actor: Actor, *, approved_by: str = "") -> None:
    """The count becomes the latest word on its items. The shelf was judged in this transaction."""
    now = timezone.now()
    count.move(CountStatus.POSTED, posted_at=now, approved_by=approved_by)
    changed = _adjust(count, found, shelf, actor)
    items = [each.line.item_id for each in found]
    CountLine.objects.filter(location=count.location_id, item__in=items, settled=True).update(settled=False)
    CountLine.objects.filter(count=count).update(open=False, settled=True)
    record(count, facts.COUNT_POSTED, actor, {**findings.sums(found), "posted": changed})
    cases.recheck(count.subject, cause="The count was posted.", actor=actor)
    _tell_unsettled(count, found, actor)


def settle(count_id: int, *, actor: Actor, by_hand: bool = False) -> int:
    """Bring the books to what a posted count found, after later facts or freed promises; returns the lines changed.

    Looks only at lines no later count has spoken about. Safe to repeat. By itself it keeps to the approval limit;
    what goes beyond stands as a case until somebody who didn't count settles it `by_hand`, else Refusal("own_count").
    """

    def work() -> int:
        count = open_count(count_id)
        if count.status != CountStatus.POSTED:
            return 0
        found = [each for each in findings.of(count) if each.line.settled]
        before = [_stands(each) for each in found]
        shelf = findings.judge(count, found)
        open_ = [each for each in found if any(each.owed)]
        too_much = bool(rules.why_approve(findings.still_owed(open_), findings.rule_of(count)))
        if too_much and by_hand and (actor.kind != PERSON or counted_by(count, actor)):
            raise Refusal("own_count", "Somebody who didn't count it must settle so much.", status=403)
        too_much = too_much and not by_hand
        changed = [] if too_much else _adjust(count, open_, shelf, actor, verb="settle")
        if changed:
            Count.objects.filter(pk=count.pk).update(version=count.version + 1)
            record(count, facts.COUNT_SETTLED, actor, {"lines": changed})
        if by_hand or [_stands(each) for each in found] != before:
            _tell_unsettled(count, found, actor)
        return len(changed)

    return retrying(work)


def settle_due(*, limit: int = 100) -> int:
    """Settle posted counts that a fact told late, or a promise given back, speaks about; returns how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"since": timezone.now() - LATE_FACTS, "limit": limit})
        due = [row[0] for row in cursor.fetchall()]
    return sum(bool(settle(count_id, actor=SYSTEM)) for count_id in due)


def _stands(found: Found) -> object:
    lots = [(lot.code, lot.difference, lot.posted) for lot in found.lots if lot.difference or lot.posted]
    return found.line.difference, found.line.posted, lots


def _adjust(
    count: Count, found: Sequence[Found], shelf: Shelf, actor: Actor, *, verb: str = "post"
) -> list[dict[str, Any]]:
    """Post what is still missing from the books of these lines. Units promised to somebody are not taken from under
    the promise: they stay owed. Returns what was posted, line by line."""
    moves, changed = [], []
    for each in found:
        line, before = each.line, each.line.posted
        posted = list(_named_moves(each, shelf) if each.named else _plain_moves(line, shelf))
        if not posted:
            continue
        moves += posted
        told = {"item": line.item_id, "sku": line.item.sku, "counted": line.counted, "difference": line.difference,
                "posted": line.posted - before}  # fmt: skip
        if each.named:
            told["lots"] = {lot.code: lot.posted for lot in each.lots if lot.posted}
        changed.append(told)
    if moves:
        key = f"count:{count.pk}:{verb}:{count.version}"
        movements.post(moves, key=key, cause=count.subject, actor=actor, note=f"Counted, {count.number}")
        findings.keep(found)
    return changed


def _plain_moves(line: CountLine, shelf: Shelf) -> Iterator[Move]:
    owed = (line.difference or 0) - line.posted
    if owed < 0:
        owed = -min(-owed, _room(shelf.rows[line.item_id, line.location_id]))
    if owed:
        line.posted += owed
        yield _move(line, owed)


def _room(row: Row) -> int:
    return max(0, row.sellable if row.allows_backorder else row.sellable - row.reserved)


def _named_moves(found: Found, shelf: Shelf) -> Iterator[Move]:
    """Lot by lot: first what was found, which makes room for what is missing."""
    line = found.line
    row = shelf.rows[line.item_id, line.location_id]
    room, gained = _room(row), 0
    single = line.item.tracking == Tracking.SERIAL
    taken: dict[Pair, int] = defaultdict(int)
    for lot in found.lots:
        if lot.owed <= 0 or (single and shelf.lying.get((line.item_id, lot.code))):
            continue
        move = _brought(line, lot, shelf, taken) if single else _move(line, lot.owed, lot)
        if move is not None:
            gained += move.quantity
            _note(line, lot, move.quantity)
            yield move
    for lot in found.lots:
        units = min(-lot.owed, room + gained, shelf.lying.get((line.item_id, lot.code), 0)) if lot.owed < 0 else 0
        if units > 0:
            room -= units
            _note(line, lot, -units)
            yield _move(line, -units, lot)


def _note(line: CountLine, lot: CountLot, units: int) -> None:
    lot.posted += units
    line.posted += units


def _brought(line: CountLine, lot: CountLot, shelf: Shelf, taken: dict[Pair, int]) -> Move | None:
    """A serial that was found: new to the books, or brought from where they have it if that place can spare it."""
    spot = shelf.elsewhere.get((line.item_id, lot.code))
    if spot is None:
        return _move(line, 1, lot)
    place, state = spot
    if state == State.IN_TRANSIT_IN:
        return None  # its transfer still has to say that it arrived
    if state == State.SELLABLE:
        pair = (line.item_id, place)
        if _room(shelf.rows[pair]) <= taken[pair]:
            return None
        taken[pair] += 1
    return Move(line.item_id, 1, place, state, line.location_id, State.SELLABLE, AdjustmentReason.COUNT,
                serials=(lot.code,))  # fmt: skip


def _move(line: CountLine, change: int, lot: CountLot | None = None) -> Move:
    units: dict[str, Any] = {}
    if lot is not None:
        units = {"serials": (lot.code,)} if line.item.tracking == Tracking.SERIAL else {"lot": lot.code}
    here, why = line.location_id, AdjustmentReason.COUNT
    if change > 0:
        return Move(line.item_id, change, None, State.FOUND, here, State.SELLABLE, why, **units)
    return Move(line.item_id, -change, here, State.SELLABLE, None, State.SHRINKAGE, why, **units)


def _tell_unsettled(count: Count, found: Sequence[Found], actor: Actor) -> None:
    owed = [words for each in found for words in _owed_words(each)]
    if not owed:
        cases.recheck(count.subject, cause="The books say what was counted.", actor=actor)
        return
    cases.open_(
        UNSETTLED,
        count.subject,
        summary=f"{count.location.name}: not in the books yet: {', '.join(owed[:5])}",
        site_id=count.location.site_id,
        actor=actor,
    )


def _owed_words(found: Found) -> list[str]:
    sku = found.line.item.sku
    if found.named:
        return [f"{sku} {lot.code} {lot.owed:+}" for lot in found.lots if lot.owed]
    return [f"{sku} {units:+}" for units in found.owed if units]


def counted_by(count: Count, actor: Actor) -> bool:
    mine = CountEntry.objects.filter(line__count=count, actor_kind=actor.kind, actor_uid=actor.uid)
    return mine.exists()


def latest_word(item_id: int, location_id: int) -> datetime | None:
    """When a posted count last spoke about an item at a place."""
    rows = CountLine.objects.filter(location=location_id, item=item_id, settled=True)
    return rows.values_list("last_at", flat=True).first()


# Counts with a line that is owed something, or about which a fact of before the last look was told after posting.
_DUE = """
SELECT count_id FROM (
    SELECT line.count_id FROM inventory_countline line
    JOIN inventory_count c ON c.id = line.count_id AND c.status = 'POSTED'
    WHERE line.settled AND c.posted_at > %(since)s AND (line.difference <> line.posted OR EXISTS (
        SELECT FROM inventory_countlot lot WHERE lot.line_id = line.id AND lot.difference <> lot.posted
    ))
    UNION
    SELECT line.count_id FROM inventory_stockmovement told
    JOIN inventory_countline line ON line.settled AND line.item_id = told.item_id
        AND line.location_id IN (told.from_location_id, told.to_location_id) AND told.occurred_at <= line.last_at
    JOIN inventory_count c ON c.id = line.count_id AND told.id > c.floor AND c.posted_at > %(since)s
    WHERE told.occurred_at < told.recorded_at AND told.recorded_at > now() - interval '1 hour'
) due
ORDER BY count_id LIMIT %(limit)s
"""
