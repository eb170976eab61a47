"""Lines of a payout and the books' entries that are the same money: found, confirmed, split, written off, undone.

One matching at a time: what an entry still has to give is read and taken under one lock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from core import events
from core.actors import PERSON, SYSTEM, Actor
from core.errors import Refusal
from core.formats import money
from exceptions.services import cases
from finance import events as facts
from finance import locks
from finance.canonical import ZERO
from finance.matching import Found, Rests, Side
from finance.models import (
    MATCHED,
    Match,
    MatchKey,
    MatchSide,
    MatchStatus,
    OpenLine,
    PayoutState,
    Settlement,
    SettlementLine,
)
from finance.services import candidates, costs, finding, searching, settlements
from finance.services.candidates import Books
from finance.settlement_reasons import NOT_SETTLED, RESIDUAL

AT_ONCE = 1_000
WRITE_OFF_LIMIT = Decimal(25)


class Stage(StrEnum):
    """What is done with a payout, one after the other."""

    IDS = "ids"
    REST = "rest"
    FINISH = "finish"
    OVER = "over"


@dataclass(slots=True)
class Outcome:
    """What a matching found so far, and where it goes on: after this position of this stage."""

    confirmed: int = 0
    suggested: int = 0
    stage: str = Stage.IDS
    after: int = 0

    @property
    def over(self) -> bool:
        return self.stage == Stage.OVER


def match(
    settlement_id: int, *, actor: Actor = SYSTEM, progress: Any = None, done: Outcome | None = None,
    seconds: float = math.inf,
) -> Outcome:  # fmt: skip
    """Match what is open of a payout: exact by key is CONFIRMED, within tolerance SUGGESTED. Safe to repeat.

    Works through the lines in pieces, each its own transaction, so a payout of a million lines takes no more memory
    than one of a thousand. `progress(lines)` is called after each piece and may raise to stop. After `seconds`, and one
    piece at least, it returns where it stands; given that as `done` the next call goes on from there.
    """
    done = done or Outcome()
    ends = monotonic() + seconds
    if Settlement.objects.get(pk=settlement_id).state == PayoutState.PENDING:
        done.stage = Stage.OVER
    while not done.over:
        lines = _STEPS[done.stage](settlement_id, done, actor)
        if progress and not done.over:
            progress(lines)
        if monotonic() >= ends:
            break
    return done


def _by_ids(settlement_id: int, done: Outcome, actor: Actor) -> int:
    """What the provider's own ids settle to the cent, piece by piece."""
    last = SettlementLine.objects.filter(settlement_id=settlement_id).aggregate(last=Max("position"))["last"] or 0
    low, high = done.after + 1, min(done.after + finding.STEP, last)
    with transaction.atomic():
        locks.take("matches")
        done.confirmed += finding.by_ids(settlement_id, low=low, high=high)
        if high == last:
            _forget_suggestions(settlement_id)
    done.stage, done.after = (Stage.REST, 0) if high == last else (Stage.IDS, high)
    return max(0, high - low + 1)


def _forget_suggestions(settlement_id: int) -> None:
    old = Match.objects.filter(settlement_id=settlement_id, status=MatchStatus.SUGGESTED)
    MatchSide.objects.filter(match__in=old).delete()
    old.delete()


def _the_rest(settlement_id: int, done: Outcome, actor: Actor) -> int:
    """What no id settles alone: order by order, the finest exact match, then a suggestion."""
    with transaction.atomic():
        locks.take("matches")
        lines = list(searching.open_lines(settlement_id).filter(position__gt=done.after).order_by("position")[:AT_ONCE])
        if lines:
            # An order's lines may stand far apart: whoever shares an order with these is looked at with them.
            refs = {line.order_ref for line in lines if line.order_ref}
            others = (
                searching.open_lines(settlement_id)
                .filter(order_ref__in=refs)
                .exclude(pk__in=[line.pk for line in lines])
            )
            confirmed, suggested = searching.piece(settlement_id, [*lines, *others[:AT_ONCE]], actor)
            done.confirmed, done.suggested = done.confirmed + confirmed, done.suggested + suggested
    done.stage, done.after = (Stage.REST, lines[-1].position) if lines else (Stage.FINISH, 0)
    return 0  # they were counted when their ids were looked at


def _last(settlement_id: int, done: Outcome, actor: Actor) -> int:
    finish(settlement_id, actor=actor)
    done.stage = Stage.OVER
    return 0


_STEPS: dict[str, Callable[[int, Outcome, Actor], int]] = {
    Stage.IDS: _by_ids, Stage.REST: _the_rest, Stage.FINISH: _last,
}  # fmt: skip


# --- What stands afterwards ----------------------------------------------------------------------------------------


@transaction.atomic
def finish(settlement_id: int, *, actor: Actor = SYSTEM) -> Settlement:
    """Say how a payout stands, open or clear its cases, and tell the books. Safe to repeat."""
    settlement = Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    balanced = settlement.residual == 0
    was = settlement.balanced_at is not None
    Settlement.objects.filter(pk=settlement_id).update(
        matched_at=Now(), balanced_at=Now() if balanced and not was else settlement.balanced_at if balanced else None,
        version=F("version") + 1,
    )  # fmt: skip
    settlement.refresh_from_db()
    costs.add_up(settlement_id)
    told = settlements.told(settlement)
    events.record(facts.SETTLEMENT_MATCHED, settlement.subject, actor=actor, data=told)
    if balanced and not was:
        events.record(facts.SETTLEMENT_BALANCED, settlement.subject, actor=actor, data=told)
    _cases(settlement, actor)
    return settlement


def _cases(settlement: Settlement, actor: Actor) -> None:
    from exceptions import reasons

    uid = str(settlement.pk)
    if reasons.holds(RESIDUAL, uid):
        left, whole = (money(each, settlement.currency) for each in (settlement.residual, settlement.payout))
        words = f"{left} of {whole} isn't explained."
        cases.open_(
            RESIDUAL, settlement.subject, summary=words, value=abs(settlement.residual), currency=settlement.currency,
            actor=actor,
        )  # fmt: skip
    if reasons.holds(NOT_SETTLED, uid):
        words = "Captured on its days, and in no payout."
        cases.open_(NOT_SETTLED, settlement.subject, summary=words, actor=actor)
    cases.recheck(settlement.subject, cause="The payout was matched again.", actor=actor)


# --- What a person says --------------------------------------------------------------------------------------------


def _held(match_id: int) -> Match:
    found = Match.objects.select_for_update(no_key=True).filter(pk=match_id).first()
    if found is None:
        raise Refusal("unknown_match", "There is no such match.", status=404)
    return found


def confirm(match_id: int, *, actor: Actor) -> None:
    """A person takes a suggestion; its difference is written off, within the limit."""
    with transaction.atomic():
        locks.take("matches")
        found = _held(match_id)
        if found.status != MatchStatus.SUGGESTED:
            raise Refusal("not_suggested", f"It is {found.get_status_display().lower()}.")
        settlement = found.settlement
        off = sum((abs(side.written_off) for side in found.sides.all()), ZERO)
        if off:
            _may_give_up(settlement, off, actor)
        Match.objects.filter(pk=found.pk).update(
            status=MatchStatus.CONFIRMED, actor_label=actor.label[:200], actor_uid=actor.uid, at=Now()
        )
        found.sides.update(live=True)
        if off:
            _tell_written_off(settlement, off, "The difference of a match that was confirmed", actor)
    finish(found.settlement_id, actor=actor)


def decline(match_id: int, *, actor: Actor) -> None:
    """A suggestion is wrong; it isn't shown again until the payout is matched anew."""
    with transaction.atomic():
        found = _held(match_id)
        if found.status != MatchStatus.SUGGESTED:
            raise Refusal("not_suggested", f"It is {found.get_status_display().lower()}.")
        Match.objects.filter(pk=found.pk).update(
            status=MatchStatus.DECLINED, actor_label=actor.label[:200], actor_uid=actor.uid, ended_at=Now()
        )


def pair(line_ids: Sequence[int], *, payments: Sequence[int] = (), charges: Sequence[int] = (), actor: Actor) -> int:
    """A person says that these lines are these entries; returns the match.

    One line over several entries splits it: each takes what it has, and what is left of the line stays open. Refuses
    entries that have nothing left, other currencies, and more than there is.
    """
    with transaction.atomic():
        locks.take("matches")
        lines = list(SettlementLine.objects.filter(pk__in=line_ids).select_related("settlement").order_by("pk"))
        if not lines or len({line.settlement_id for line in lines}) != 1 or len(lines) != len(set(line_ids)):
            raise Refusal("bad_lines", "Choose lines of one payout.", status=422)
        settlement = lines[0].settlement
        books = candidates.chosen(settlement, lines, payments, charges)
        found = _as_chosen(books)
        made = Match.objects.create(
            settlement=settlement, status=MatchStatus.CONFIRMED, key=MatchKey.PERSON, shape=found.shape,
            evidence={"currency": books.currency, "why": "Chosen by a person"}, actor_label=actor.label[:200],
            actor_uid=actor.uid,
        )  # fmt: skip
        MatchSide.objects.bulk_create(_chosen_sides(made, books, found))
    finish(settlement.pk, actor=actor)
    return made.pk


def _as_chosen(books: Books) -> Found:
    lines = tuple(Side(line.pk, books.amounts[line.pk]) for line in books.lines.values())
    entries = tuple(Side(key, entry.amount) for key, entry in books.entries.items())
    if not entries:
        raise Refusal("no_entry", "Choose at least one entry of the books.", status=422)
    if any((entry.amount > 0) != (line.amount > 0) for entry in entries for line in lines):
        raise Refusal("other_direction", "Money that came in isn't money that went out.", status=422)
    return Found(lines, entries, sum((s.amount for s in lines), ZERO) - sum((s.amount for s in entries), ZERO))


def _chosen_sides(made: Match, books: Books, found: Found) -> list[MatchSide]:
    """Only what both sides have is taken; the rest of either stays open."""
    sides = []
    lines, entries = Rests(found.lines), Rests(found.entries)
    while lines and entries:
        part = lines.common(entries)
        line, entry = books.lines[lines.first], books.entries[entries.first]
        whole = line.gross - line.matched - line.written_off
        amount = (whole * part / books.amounts[line.pk]).quantize(Decimal("0.0001"))
        sides.append(
            MatchSide(
                match=made, line=line, payment_id=entry.payment_id, charge_id=entry.charge_id, order_id=entry.order_id,
                amount=amount, booked=part,
            )
        )  # fmt: skip
        lines.take(part)
        entries.take(part)
    return sides


def _may_give_up(settlement: Settlement, amount: Decimal, actor: Actor) -> None:
    limit = Decimal(str(getattr(settings, "FINANCE_WRITE_OFF_LIMIT", WRITE_OFF_LIMIT)))
    if amount > limit:
        raise Refusal(
            "above_limit", f"At most {limit} {settlement.currency} is written off here; the rest is booked.",
            limit=str(limit),
        )  # fmt: skip
    if actor.kind == PERSON and settlement.file.owner_label and settlement.file.owner_label == actor.label:
        raise Refusal("own_import", "Whoever imported a file doesn't write off what it lacks.")


def write_off(line_id: int, amount: Decimal, *, why: str, actor: Actor) -> int:
    """Give up so much of what is open of a line, within the limit; returns the match that says so.

    Whoever imported the file may not. Undone like any match.
    """
    with transaction.atomic():
        locks.take("matches")
        line = SettlementLine.objects.select_related("settlement__file").filter(pk=line_id).first()
        if line is None:
            raise Refusal("unknown_line", "There is no such line.", status=404)
        left = line.gross - line.matched - line.written_off
        if line.kind not in MATCHED or not amount or (amount > 0) != (left > 0) or abs(amount) > abs(left):
            raise Refusal("not_so_much", f"Only {left} of it is open.", status=422)
        if not why.strip():
            raise Refusal("no_reason", "Say why.", status=422)
        _may_give_up(line.settlement, abs(amount), actor)
        made = Match.objects.create(
            settlement=line.settlement, status=MatchStatus.CONFIRMED, key=MatchKey.PERSON, shape="1:0",
            difference=amount, evidence={"why": why[:200]}, actor_label=actor.label[:200], actor_uid=actor.uid,
        )  # fmt: skip
        MatchSide.objects.bulk_create([MatchSide(match=made, line=line, amount=amount, written_off=amount)])
        _tell_written_off(line.settlement, amount, why, actor)
    finish(line.settlement_id, actor=actor)
    return made.pk


def write_off_rest(settlement_id: int, *, why: str, actor: Actor) -> int:
    """Give up every open line of a payout; refuses where they come to more than the limit."""
    lines = list(searching.open_lines(settlement_id))
    if not lines:
        raise Refusal("nothing_open", "No line of it is open; what is left has another cause.")
    settlement = Settlement.objects.select_related("file").get(pk=settlement_id)
    _may_give_up(settlement, sum((abs(x.gross - x.matched - x.written_off) for x in lines), ZERO), actor)
    for line in lines:
        write_off(line.pk, line.gross - line.matched - line.written_off, why=why, actor=actor)
    return len(lines)


def _tell_written_off(settlement: Settlement, amount: Decimal, why: str, actor: Actor) -> None:
    events.record(
        facts.SETTLEMENT_WRITTEN_OFF, settlement.subject, actor=actor,
        data={"amount": str(amount), "currency": settlement.currency, "why": why[:200], "ref": settlement.ref},
    )  # fmt: skip


def undo(match_id: int, *, actor: Actor) -> None:
    """What a match took is open again; the match stays and says so."""
    with transaction.atomic():
        locks.take("matches")
        found = _held(match_id)
        if found.status != MatchStatus.CONFIRMED:
            raise Refusal("not_confirmed", f"It is {found.get_status_display().lower()}.")
        found.sides.update(live=False)
        Match.objects.filter(pk=found.pk).update(
            status=MatchStatus.UNDONE, ended_at=Now(), evidence={**found.evidence, "undone_by": actor.label[:200]}
        )
        events.record(facts.SETTLEMENT_UNMATCHED, found.settlement.subject, actor=actor, data={"match": found.pk})
    finish(found.settlement_id, actor=actor)


def matched_share(settlement: Settlement) -> tuple[int, int]:
    """How many of a payout's matchable lines are matched wholly, and how many there are."""
    waiting = OpenLine.objects.filter(settlement=settlement).count()
    unknown = SettlementLine.objects.filter(settlement=settlement, kind="").count() if waiting else 0
    return settlement.matchable - waiting + unknown, settlement.matchable
