"""What a count means: differences, second looks, approval, and the movements that put the books right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from core.actors import PERSON, SYSTEM, Actor
from core.errors import Refusal
from exceptions.services import cases
from inventory import counting as rules
from inventory import events as facts
from inventory.counting import Finding, Rule, Step
from inventory.models import (
    AdjustmentReason,
    Count,
    CountEntry,
    CountLine,
    CountPolicy,
    CountStatus,
    Item,
    State,
    StockMovement,
)
from inventory.services import movements
from inventory.services.counting import open_count, record
from inventory.services.locking import Pair, Row, lock_stock, retrying
from inventory.services.movements import Move

IN_REVIEW, UNSETTLED = "inventory.count_in_review", "inventory.count_unsettled"
LATE_FACTS = timedelta(days=30)  # how long a posted count still answers to facts of before it


def finish(count_id: int, *, rest_is_zero: bool = False, version: int | None = None, actor: Actor) -> Count:
    """Everything was looked at. Differences over tolerance are counted again, once; then the count is posted, or waits
    for somebody else's approval where its value asks for that.

    `rest_is_zero` says that what nobody found isn't there; else Refusal("not_all_counted") names what is missing.
    """

    def work() -> Count:
        count = open_count(count_id, version)
        if count.status != CountStatus.COUNTING:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not being counted.",
                          status_now=count.status, version=count.version)  # fmt: skip
        lines = _lines(count)
        _close_gaps(count, lines, rest_is_zero)
        rows = _judge(count, lines)
        count.move(CountStatus.COUNTED, counted_at=timezone.now())
        record(count, facts.COUNT_FINISHED, actor, _sums(lines))
        doubtful = _doubtful(count, lines) if count.round == 1 else []
        if doubtful:
            _again(count, doubtful, actor)
        elif why := rules.why_approve(_findings(lines), _rule(count)):
            _ask_for_review(count, lines, why, actor)
        else:
            _post(count, lines, rows, actor)
        return count

    return retrying(work)


def recount(count_id: int, *, line_ids: Sequence[int] | None = None, version: int | None = None, actor: Actor) -> Count:
    """Send a reviewed count back to the shelf: these lines, or every line that differs."""

    def work() -> Count:
        count = open_count(count_id, version)
        if count.status != CountStatus.IN_REVIEW:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not in review.",
                          status_now=count.status, version=count.version)  # fmt: skip
        lines = _lines(count)
        chosen = [line for line in lines if (line.pk in line_ids if line_ids is not None else line.difference)]
        if not chosen:
            raise Refusal("nothing_to_recount", "No line of it differs.", status=422)
        _again(count, chosen, actor)
        cases.recheck(count.subject, cause="It is being counted again.", actor=actor)
        return count

    return retrying(work)


def approve(count_id: int, *, version: int | None = None, actor: Actor) -> Count:
    """Somebody who didn't count says the differences are to be posted.

    Refusal("own_count") for whoever counted, ("changed_since") when a fact told meanwhile changed a difference: the
    count then shows the new figures and waits for another look.
    """

    def work() -> Count | None:
        count = open_count(count_id, version)
        if count.status != CountStatus.IN_REVIEW:
            raise Refusal("bad_move", f"{count.number} is {count.get_status_display().lower()}, not in review.",
                          status_now=count.status, version=count.version)  # fmt: skip
        if actor.kind != PERSON or _counted_by(count, actor):
            raise Refusal("own_count", "Somebody who didn't count it must approve it.", status=403)
        lines = _lines(count)
        shown = [line.difference for line in lines]
        rows = _judge(count, lines)
        if [line.difference for line in lines] != shown:
            Count.objects.filter(pk=count.pk).update(version=count.version + 1)
            return None
        _post(count, lines, rows, actor, approved_by=actor.label[:200])
        return count

    approved = retrying(work)
    if approved is None:
        raise Refusal("changed_since", "Something that happened before the count was told meanwhile. Look again.")
    return approved


def settle(count_id: int, *, actor: Actor, by_hand: bool = False) -> int:
    """Bring the books to what a posted count found, after later facts or freed promises; returns the lines changed.

    Looks only at lines no later count has spoken about. Safe to repeat. By itself it keeps to the approval limit;
    what goes beyond stands as a case until somebody who didn't count settles it `by_hand`, else Refusal("own_count").
    """

    def work() -> int:
        count = open_count(count_id)
        if count.status != CountStatus.POSTED:
            return 0
        lines = [line for line in _lines(count) if line.settled]
        before = [(line.difference, line.posted) for line in lines]
        rows = _judge(count, lines)
        open_ = [line for line in lines if line.difference != line.posted]
        owed = [Finding((line.difference or 0) - line.posted, line.unit_cost, line.currency) for line in open_]
        too_much = bool(rules.why_approve(owed, _rule(count)))
        if too_much and by_hand and (actor.kind != PERSON or _counted_by(count, actor)):
            raise Refusal("own_count", "Somebody who didn't count it must settle so much.", status=403)
        too_much = too_much and not by_hand
        changed = [] if too_much else _adjust(count, open_, rows, actor, verb="settle")
        if changed:
            Count.objects.filter(pk=count.pk).update(version=count.version + 1)
            record(count, facts.COUNT_SETTLED, actor, {"lines": changed})
        if by_hand or [(line.difference, line.posted) for line in lines] != before:
            _tell_unsettled(count, lines, actor)
        return len(changed)

    return retrying(work)


def settle_due(*, limit: int = 100) -> int:
    """Settle posted counts that a fact told late, or a promise given back, speaks about; returns how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"since": timezone.now() - LATE_FACTS, "limit": limit})
        due = [row[0] for row in cursor.fetchall()]
    return sum(bool(settle(count_id, actor=SYSTEM)) for count_id in due)


# --- The figures


def _lines(count: Count) -> list[CountLine]:
    return list(count.lines.select_related("item").order_by("item__sku"))


def _close_gaps(count: Count, lines: Sequence[CountLine], rest_is_zero: bool) -> None:
    missing = [line for line in lines if line.counted is None]
    if missing and not rest_is_zero:
        names = [line.item.sku for line in missing]
        raise Refusal(
            "not_all_counted",
            f"Nobody has counted {', '.join(names[:5])}{' and more' if len(names) > 5 else ''} yet.",
            status=422,
            missing=names,
        )
    now = timezone.now()
    for line in missing:
        line.counted, line.first_at, line.last_at = 0, count.round_at or now, now


def _judge(count: Count, lines: Sequence[CountLine]) -> dict[Pair, Row]:
    """Work the differences out under the stock rows' locks, and keep them. Returns the rows as they stand."""
    rows = lock_stock([(line.item_id, line.location_id) for line in lines], create=True)
    steps = _steps(count, lines)
    for line in lines:
        if line.counted is None or line.first_at is None or line.last_at is None:
            continue
        seen = rules.expected(
            rows[line.item_id, line.location_id].sellable,
            steps[line.item_id],
            first=line.first_at,
            last=line.last_at,
            aside=(line.aside_low, line.aside_high),
        )
        line.expected_low, line.expected_high = seen.low, seen.high
        line.difference = rules.difference(line.counted, seen)
        line.unit_cost, line.currency = _cost(line.item)
    _keep(lines)
    return rows


def _keep(lines: Sequence[CountLine]) -> None:
    """Write the figures of all lines in one statement: bulk_update takes seconds over hundreds of lines."""
    columns = [[getattr(line, name) for line in lines] for name in ("pk", *_FIGURES)]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, columns)


def _cost(item: Item) -> tuple[Any, str]:
    return (item.unit_cost, item.cost_currency) if item.unit_cost is not None else (None, "")


def _steps(count: Count, lines: Sequence[CountLine]) -> dict[int, list[Step]]:
    """Movements of sellable units here since counting began, by item, with when they happened."""
    found: dict[int, list[Step]] = defaultdict(list)
    times = [line.first_at for line in lines if line.first_at is not None]
    if not times:
        return found
    here = count.location_id
    into = Q(to_location=here, to_state=State.SELLABLE)
    out = Q(from_location=here, from_state=State.SELLABLE)
    rows = StockMovement.objects.filter(
        into | out, item__in=[line.item_id for line in lines], pk__gt=count.floor, occurred_at__gt=min(times)
    )
    columns = ("item_id", "quantity", "to_location_id", "to_state", "occurred_at")
    for item, quantity, to_location, to_state, at in rows.values_list(*columns).iterator():
        arrived = to_location == here and to_state == State.SELLABLE
        found[item].append(Step(at, quantity if arrived else -quantity))
    return found


def _rule(count: Count) -> Rule:
    policy = CountPolicy.of(count.location_id)
    return Rule(policy.recount_units, policy.recount_percent, policy.approve_value, policy.approve_units)


def _findings(lines: Sequence[CountLine]) -> list[Finding]:
    return [Finding(line.difference or 0, line.unit_cost, line.currency) for line in lines]


def _doubtful(count: Count, lines: Sequence[CountLine]) -> list[CountLine]:
    rule = _rule(count)
    return [
        line
        for line in lines
        if not rules.believed(
            line.difference or 0, rules.Expected(line.expected_low or 0, line.expected_high or 0), rule
        )
    ]


def _sums(lines: Sequence[CountLine]) -> dict[str, Any]:
    return {
        "lines": len(lines),
        "units": sum(line.difference or 0 for line in lines),
        "value": {currency: str(worth) for currency, worth in rules.total(_findings(lines)).items()},
    }


# --- What follows from them


def _again(count: Count, lines: Sequence[CountLine], actor: Actor) -> None:
    for line in lines:
        line.earlier, line.counted, line.round = line.counted, None, count.round + 1
        line.first_at = line.last_at = None
        line.expected_low = line.expected_high = line.difference = None
        line.aside_low = line.aside_high = 0
    CountLine.objects.bulk_update(
        lines,
        ["earlier", "counted", "round", "first_at", "last_at", "expected_low", "expected_high", "difference",
         "aside_low", "aside_high"],
    )  # fmt: skip
    count.move(CountStatus.COUNTING, round=count.round + 1, round_at=timezone.now())
    record(count, facts.COUNT_RECOUNT, actor, {"round": count.round, "skus": [line.item.sku for line in lines]})


def _ask_for_review(count: Count, lines: Sequence[CountLine], why: str, actor: Actor) -> None:
    count.move(CountStatus.IN_REVIEW, note=why[:500])
    record(count, facts.COUNT_REVIEW, actor, {"why": why})
    worth = max(rules.total(_findings(lines)).items(), key=lambda each: abs(each[1]), default=None)
    cases.open_(
        IN_REVIEW,
        count.subject,
        summary=f"{count.location.name}: {why}",
        site_id=count.location.site_id,
        value=abs(worth[1]) if worth else None,
        currency=worth[0] if worth else "",
        actor=actor,
    )


def _post(
    count: Count, lines: Sequence[CountLine], rows: dict[Pair, Row], actor: Actor, *, approved_by: str = ""
) -> None:
    now = timezone.now()
    count.move(CountStatus.POSTED, posted_at=now, approved_by=approved_by)
    changed = _adjust(count, lines, rows, actor)
    items = [line.item_id for line in lines]
    CountLine.objects.filter(location=count.location_id, item__in=items, settled=True).update(settled=False)
    CountLine.objects.filter(count=count).update(open=False, settled=True)
    record(count, facts.COUNT_POSTED, actor, {**_sums(lines), "posted": changed})
    cases.recheck(count.subject, cause="The count was posted.", actor=actor)
    _tell_unsettled(count, lines, actor)


def _adjust(
    count: Count, lines: Sequence[CountLine], rows: dict[Pair, Row], actor: Actor, *, verb: str = "post"
) -> list[dict[str, Any]]:
    """Post what is still missing from the books of these lines. Units promised to somebody are not taken from under
    the promise: they stay owed. Returns what was posted, line by line."""
    moves, changed = [], []
    for line in lines:
        row = rows[line.item_id, line.location_id]
        owed = (line.difference or 0) - line.posted
        if owed < 0:
            room = row.sellable if row.allows_backorder else row.sellable - row.reserved
            owed = -min(-owed, max(0, room))
        if not owed:
            continue
        moves.append(_move(line, owed))
        line.posted += owed
        changed.append(
            {"item": line.item_id, "sku": line.item.sku, "counted": line.counted, "difference": line.difference,
             "posted": owed}
        )  # fmt: skip
    if moves:
        key = f"count:{count.pk}:{verb}:{count.version}"
        movements.post(moves, key=key, cause=count.subject, actor=actor, note=f"Counted, {count.number}")
        _keep(lines)
    return changed


def _move(line: CountLine, change: int) -> Move:
    if change > 0:
        return Move(line.item_id, change, None, State.FOUND, line.location_id, State.SELLABLE, AdjustmentReason.COUNT)
    return Move(line.item_id, -change, line.location_id, State.SELLABLE, None, State.SHRINKAGE, AdjustmentReason.COUNT)


def _tell_unsettled(count: Count, lines: Sequence[CountLine], actor: Actor) -> None:
    owed = [line for line in lines if line.difference != line.posted]
    if not owed:
        cases.recheck(count.subject, cause="The books say what was counted.", actor=actor)
        return
    words = ", ".join(f"{line.item.sku} {(line.difference or 0) - line.posted:+}" for line in owed[:5])
    cases.open_(
        UNSETTLED,
        count.subject,
        summary=f"{count.location.name}: not in the books yet: {words}",
        site_id=count.location.site_id,
        actor=actor,
    )


def _counted_by(count: Count, actor: Actor) -> bool:
    mine = CountEntry.objects.filter(line__count=count, actor_kind=actor.kind, actor_uid=actor.uid)
    return mine.exists()


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

# Counts with a line that is owed something, or about which a fact of before the last look was told after posting.
_DUE = """
SELECT count_id FROM (
    SELECT line.count_id FROM inventory_countline line
    JOIN inventory_count c ON c.id = line.count_id AND c.status = 'POSTED'
    WHERE line.settled AND line.difference <> line.posted AND c.posted_at > %(since)s
    UNION
    SELECT line.count_id FROM inventory_stockmovement told
    JOIN inventory_countline line ON line.settled AND line.item_id = told.item_id
        AND line.location_id IN (told.from_location_id, told.to_location_id) AND told.occurred_at <= line.last_at
    JOIN inventory_count c ON c.id = line.count_id AND told.id > c.floor AND c.posted_at > %(since)s
    WHERE told.occurred_at < told.recorded_at AND told.recorded_at > now() - interval '1 hour'
) due
ORDER BY count_id LIMIT %(limit)s
"""


def latest_word(item_id: int, location_id: int) -> datetime | None:
    """When a posted count last spoke about an item at a place."""
    rows = CountLine.objects.filter(location=location_id, item=item_id, settled=True)
    return rows.values_list("last_at", flat=True).first()
