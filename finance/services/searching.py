"""What no id settles alone: the lines of an order against what the books have of it, and what comes of it written.

Run under the lock `matches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.actors import PERSON, Actor
from core.formats import exponent
from exceptions.services import cases
from finance import matching
from finance.canonical import ZERO, Fault, Rule
from finance.matching import Found, Tolerance
from finance.models import MATCHED, Match, MatchSide, MatchStatus, OpenLine, Settlement, SettlementLine
from finance.services import candidates
from finance.services.candidates import Books, Group

TOLERANCE = Tolerance()


def piece(settlement_id: int, lines: list[SettlementLine], actor: Actor) -> tuple[int, int]:
    """Match these lines with what the books have for them; returns how many were confirmed and suggested."""
    settlement = Settlement.objects.get(pk=settlement_id)
    groups, conflicts = candidates.gather(settlement, lines)
    _of_other_currency(settlement, conflicts, actor)
    tolerance = _tolerance(settlement)
    pairs = [
        (group, found)
        for group in groups
        for found in matching.solve(group.lines, group.entries, tolerance if group.likely else None)
    ]
    _write(settlement, pairs, actor)
    confirmed = sum(found.exact and not group.weak for group, found in pairs)
    return confirmed, len(pairs) - confirmed


def _of_other_currency(settlement: Settlement, conflicts: list[candidates.Conflict], actor: Actor) -> None:
    """The payout's currency isn't the books': one of the two is wrong, and a person says which."""
    said = [
        Fault(
            Rule.CURRENCY_MIXED,
            f"The books have {each.line.order_ref or each.line.payment_ref} in {each.booked}, the payout in "
            f"{settlement.currency}.",
            each.line.row,
        )
        for each in conflicts[:50]
    ]  # fmt: skip
    new = [each.as_json() for each in said if each.as_json() not in settlement.faults]
    if not new:
        return
    Settlement.objects.filter(pk=settlement.pk).update(faults=[*settlement.faults, *new])
    cases.open_(
        "finance.settlement_currency_mixed", settlement.subject, summary=said[0].message,
        value=abs(settlement.payout), currency=settlement.currency, actor=actor,
    )  # fmt: skip


def open_lines(settlement_id: int) -> Any:
    open_ = OpenLine.objects.filter(settlement_id=settlement_id)
    rows = SettlementLine.objects.filter(pk__in=open_.values("pk"), kind__in=MATCHED)
    waiting = MatchSide.objects.filter(match__settlement_id=settlement_id, match__status=MatchStatus.SUGGESTED)
    return rows.exclude(pk__in=waiting.values("line_id"))


def _tolerance(settlement: Settlement) -> Tolerance:
    return Tolerance(Decimal(5).scaleb(-exponent(settlement.currency)), TOLERANCE.percent)


def _write(settlement: Settlement, pairs: Sequence[tuple[Group, Found]], actor: Actor) -> None:
    """All of a piece at once: the totals of its lines and of the payout follow in one pass."""
    made = Match.objects.bulk_create([_match(settlement, group, found, actor) for group, found in pairs])
    MatchSide.objects.bulk_create([
        side
        for one, (group, found) in zip(made, pairs, strict=True)
        for side in _sides(one, group.books, found, live=one.status == MatchStatus.CONFIRMED)
    ])  # fmt: skip


def _match(settlement: Settlement, group: Group, found: Found, actor: Actor) -> Match:
    return Match(
        settlement=settlement,
        status=MatchStatus.CONFIRMED if found.exact and not group.weak else MatchStatus.SUGGESTED,
        key=group.key,
        shape=found.shape,
        difference=found.difference,
        evidence={
            "lines": str(sum((line.amount for line in found.lines), ZERO)),
            "books": str(sum((entry.amount for entry in found.entries), ZERO)),
            "currency": group.currency, "order": group.order_number, "why": group.why,
        },
        actor_label=actor.label[:200] if actor.kind == PERSON else "",
    )  # fmt: skip


def _sides(made: Match, books: Books, found: Found, *, live: bool) -> list[MatchSide]:
    """Each portion as a side: the line's part in the payout's currency, the entry's in its own."""
    sides = []
    spent: dict[int, Decimal] = {}
    portions = matching.portions(found)
    last = {line: n for n, (line, *_) in enumerate(portions)}
    for n, (line_id, entry_id, of_line, of_entry) in enumerate(portions):
        line, entry = books.lines[line_id], books.entries[entry_id]
        whole = line.gross - line.matched - line.written_off
        compared = next(side.amount for side in found.lines if side.id == line_id)
        amount = whole * of_line / compared if compared else ZERO
        amount = amount.quantize(Decimal("0.0001"))
        if last[line_id] == n:
            amount = whole - spent.get(line_id, ZERO)
        spent[line_id] = spent.get(line_id, ZERO) + amount
        beyond = of_line - of_entry if not found.exact else ZERO
        off = (beyond * whole / compared).quantize(Decimal("0.0001")) if compared and beyond else ZERO
        sides.append(
            MatchSide(
                match=made, line_id=line_id, payment_id=entry.payment_id, charge_id=entry.charge_id,
                order_id=entry.order_id, amount=amount, written_off=off, booked=of_entry, live=live,
            )
        )  # fmt: skip
    return sides
