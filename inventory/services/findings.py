"""The figures of a count's lines: what the books could have said, and how far the count lies outside that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from inventory import counting as rules
from inventory.counting import Finding, Rule, Step
from inventory.models import (
    Count,
    CountLine,
    CountLot,
    CountPolicy,
    Item,
    LotStep,
    LotStock,
    State,
    StockMovement,
    Tracking,
)
from inventory.services import naming
from inventory.services.locking import Pair, Row, lock_stock

Code = tuple[int, str]  # (item id, lot or serial)
Spot = tuple[int, str]  # (location id, state)


@dataclass(slots=True)
class Found:
    """A line with its lots, where its units are told apart; else `lots` is empty."""

    line: CountLine
    lots: list[CountLot]

    @property
    def named(self) -> bool:
        return naming.tracked(self.line.item)

    @property
    def differences(self) -> list[int]:
        """One for each thing counted by itself: a lot missing here and one found there are two differences."""
        return [lot.difference or 0 for lot in self.lots] if self.named else [self.line.difference or 0]

    @property
    def owed(self) -> list[int]:
        """What the books still lack, difference by difference."""
        if self.named:
            return [lot.owed for lot in self.lots]
        return [(self.line.difference or 0) - self.line.posted]

    @property
    def differs(self) -> bool:
        return any(self.differences)


@dataclass(slots=True)
class Shelf:
    """What the books say, read under the locks: rows of stock, lots here, and where serials found here lie."""

    rows: dict[Pair, Row]
    lying: dict[Code, int]
    elsewhere: dict[Code, Spot]


def of(count: Count) -> list[Found]:
    lines = list(count.lines.select_related("item").order_by("item__sku"))
    lots: dict[int, list[CountLot]] = defaultdict(list)
    if any(naming.tracked(line.item) for line in lines):
        for lot in CountLot.objects.filter(line__count=count).order_by("code"):
            lots[lot.line_id].append(lot)
    return [Found(line, lots[line.pk]) for line in lines]


def judge(count: Count, found: Sequence[Found]) -> Shelf:
    """Work the differences out under the stock rows' locks, and keep them."""
    lines = [each.line for each in found]
    serials = [(each.line.item_id, lot.code) for each in found for lot in each.lots
               if lot.counted and each.line.item.tracking == Tracking.SERIAL]  # fmt: skip
    here = {(line.item_id, line.location_id) for line in lines}
    away = _elsewhere(count, serials)
    rows = lock_stock(here | {(item, place) for (item, _), (place, _) in away.items()}, create=True)
    named = [each.line.item_id for each in found if each.named]
    shelf = Shelf(rows, naming.lying(named, count.location_id) if named else {}, {})
    shelf.elsewhere = {code: spot for code, spot in _elsewhere(count, serials).items() if (code[0], spot[0]) in rows}
    steps, lot_steps = _steps(count, lines), _lot_steps(count, lines, named)
    for each in found:
        line = each.line
        if line.counted is None or line.first_at is None or line.last_at is None:
            continue
        if each.named:
            _judge_named(each, shelf.lying, lot_steps)
        else:
            book = rows[line.item_id, line.location_id].sellable
            aside = (line.aside_low, line.aside_high)
            seen = rules.expected(book, steps[line.item_id], first=line.first_at, last=line.last_at, aside=aside)
            line.expected_low, line.expected_high = seen.low, seen.high
            line.difference = rules.difference(line.counted, seen)
        line.unit_cost, line.currency = _cost(line.item)
    keep(found)
    return shelf


def _judge_named(found: Found, lying: Mapping[Code, int], steps: Mapping[Code, list[Step]]) -> None:
    line = found.line
    if line.first_at is None or line.last_at is None:
        return
    known = {lot.code for lot in found.lots}
    for item, code in sorted(lying.keys() | steps.keys()):
        if item == line.item_id and code not in known:
            known.add(code)
            found.lots.append(CountLot(line=line, code=code))
    found.lots.sort(key=lambda lot: lot.code)
    for lot in found.lots:
        key = (line.item_id, lot.code)
        seen = rules.expected(
            lying.get(key, 0), steps.get(key, ()), first=line.first_at, last=line.last_at,
            aside=(lot.aside_low, lot.aside_high),
        )  # fmt: skip
        lot.expected_low, lot.expected_high = seen.low, seen.high
        lot.difference = rules.difference(lot.counted or 0, seen)
    line.expected_low = sum(lot.expected_low or 0 for lot in found.lots)
    line.expected_high = sum(lot.expected_high or 0 for lot in found.lots)
    line.difference = sum(found.differences)


def keep(found: Sequence[Found]) -> None:
    """Write the figures of all lines in one statement: bulk_update takes seconds over hundreds of lines."""
    columns = [[getattr(each.line, name) for each in found] for name in ("pk", *_FIGURES)]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, columns)
    if lots := [lot for each in found for lot in each.lots]:
        CountLot.objects.bulk_create(
            lots, update_conflicts=True, unique_fields=["line", "code"],
            update_fields=["counted", "expected_low", "expected_high", "difference", "posted"],
        )  # fmt: skip


def _cost(item: Item) -> tuple[Any, str]:
    return (item.unit_cost, item.cost_currency) if item.unit_cost is not None else (None, "")


def _moved(count: Count, items: Collection[int], since: datetime) -> Any:
    """Movements of sellable units here since counting began."""
    here = count.location_id
    into = Q(to_location=here, to_state=State.SELLABLE)
    out = Q(from_location=here, from_state=State.SELLABLE)
    return StockMovement.objects.filter(into | out, item__in=items, pk__gt=count.floor, occurred_at__gt=since)


def _since(lines: Sequence[CountLine]) -> datetime | None:
    return min((line.first_at for line in lines if line.first_at is not None), default=None)


def _steps(count: Count, lines: Sequence[CountLine]) -> dict[int, list[Step]]:
    """What moved, by item, with when it happened."""
    found: dict[int, list[Step]] = defaultdict(list)
    since = _since(lines)
    if since is None:
        return found
    here = count.location_id
    columns = ("item_id", "quantity", "to_location_id", "to_state", "occurred_at")
    rows = _moved(count, [line.item_id for line in lines], since).values_list(*columns)
    for item, quantity, to_location, to_state, at in rows.iterator():
        arrived = to_location == here and to_state == State.SELLABLE
        found[item].append(Step(at, quantity if arrived else -quantity))
    return found


def _lot_steps(count: Count, lines: Sequence[CountLine], named: Sequence[int]) -> dict[Code, list[Step]]:
    """The same lot by lot, of tracked items."""
    found: dict[Code, list[Step]] = defaultdict(list)
    since = _since([line for line in lines if line.item_id in named]) if named else None
    if since is None:
        return found
    here = count.location_id
    rows = LotStep.objects.filter(movement__in=_moved(count, named, since)).values_list(
        "movement__item_id", "lot__code", "quantity", "movement__to_location_id", "movement__to_state",
        "movement__occurred_at",
    )  # fmt: skip
    for item, code, quantity, to_location, to_state, at in rows.iterator():
        arrived = to_location == here and to_state == State.SELLABLE
        found[item, code].append(Step(at, quantity if arrived else -quantity))
    return found


def _elsewhere(count: Count, serials: Collection[Code]) -> dict[Code, Spot]:
    """Where the books have serials that were found on this shelf, if not here."""
    if not serials:
        return {}
    items, codes = {item for item, _ in serials}, {code for _, code in serials}
    rows = LotStock.objects.filter(single=True, quantity__gt=0, lot__item__in=items, lot__code__in=codes)
    return {
        (item, code): (place, state)
        for item, code, place, state in rows.values_list("lot__item_id", "lot__code", "location_id", "state")
        if (place, state) != (count.location_id, State.SELLABLE)
    }


def rule_of(count: Count) -> Rule:
    policy = CountPolicy.of(count.location_id)
    return Rule(policy.recount_units, policy.recount_percent, policy.approve_value, policy.approve_units)


def findings(found: Sequence[Found]) -> list[Finding]:
    return [Finding(units, each.line.unit_cost, each.line.currency) for each in found for units in each.differences]


def still_owed(found: Sequence[Found]) -> list[Finding]:
    return [Finding(units, each.line.unit_cost, each.line.currency) for each in found for units in each.owed]


def doubtful(count: Count, found: Sequence[Found]) -> list[Found]:
    rule = rule_of(count)
    return [each for each in found if not rules.believed(sum(map(abs, each.differences)), _seen(each.line), rule)]


def _seen(line: CountLine) -> rules.Expected:
    return rules.Expected(line.expected_low or 0, line.expected_high or 0)


def sums(found: Sequence[Found]) -> dict[str, Any]:
    return {
        "lines": len(found),
        "units": sum(each.line.difference or 0 for each in found),
        "value": {currency: str(worth) for currency, worth in rules.total(findings(found)).items()},
    }


_FIGURES = {
    "counted": "int", "first_at": "timestamptz", "last_at": "timestamptz", "expected_low": "int",
    "expected_high": "int", "difference": "int", "unit_cost": "numeric", "currency": "text", "posted": "int",
}  # fmt: skip
_KEEP = f"""
UPDATE inventory_countline line SET {", ".join(f"{name} = given.{name}" for name in _FIGURES)}
FROM unnest(%s::bigint[], {", ".join(f"%s::{kind}[]" for kind in _FIGURES.values())})
    AS given(id, {", ".join(_FIGURES)})
WHERE line.id = given.id
"""  # noqa: S608  (our own column names)
