"""What becomes of units that came back: proposed by rules, decided by whoever looks at them, moved in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import Item, State
from inventory.services.locking import retrying
from returns import clocks, disposing
from returns import events as facts
from returns.disposing import Rule, Unit
from returns.models import (
    Acceptance,
    ChoiceKind,
    ChoiceStatus,
    Disposition,
    DispositionRules,
    Inspection,
    RejectionChoice,
    ReturnLine,
    RulesStatus,
)
from returns.services import goods, lifecycle, targets
from returns.services.lifecycle import ReturnDesk


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the live rules say of a unit; `rule` is None where none speaks of it."""

    rules: DispositionRules | None
    rule: Rule | None

    @property
    def kind(self) -> str:
        return self.rule.disposition if self.rule else ""

    @property
    def words(self) -> str:
        if self.rule is None:
            return "No rule speaks of this: you decide."
        return f"Rule {self.rule.number} of {self.rules or 'the built-in rules'}: {self.rule.words}"


def propose(item: Item | None, grade: str, value: Decimal | None) -> Proposal:
    """The disposition the live rules (the built-in ones where none are) name for a unit of this item. Two queries."""
    live = DispositionRules.objects.filter(status=RulesStatus.LIVE).prefetch_related("rules").first()
    rules = [rule.pure for rule in live.rules.all()] if live else disposing.BUILT_IN
    unit = Unit(disposing.category_of(item.attributes if item else None), grade, value)
    return Proposal(live, disposing.choose(rules, unit))


def worth(line: ReturnLine) -> Decimal | None:
    """What rules about worth go by: what the customer paid for one, else what one costs us."""
    if line.unit_value:
        return line.unit_value
    return line.item.unit_cost if line.item else None


def dispose(
    inspection_id: int, kind: str, *, quantity: int | None = None, after: int | None = None, key: str, note: str = "",
    actor: Actor,
) -> Disposition:  # fmt: skip
    """Units become something: after their inspection, or once more after the disposition `after`. Once per key.

    `quantity` is all that are left where none is given. RESTOCK makes them sellable in this transaction. Refusal
    ("not_accepted") for goods the customer still owns, ("nothing_left"), ("gone") once they left the house,
    ("same") for what they are already, and ("not_enough_stock") where the ledger has them no more.
    """
    _check(kind, quantity, key)

    def work() -> Disposition:
        if (known := Disposition.objects.filter(key=key).first()) is not None:
            return _same(known, inspection_id, kind, quantity)
        found = Inspection.objects.filter(pk=inspection_id).values_list("line__request_id", flat=True).first()
        if found is None:
            raise Refusal("not_found", "No such inspection.", status=404)
        desk = lifecycle.open_return(found, actor=actor)
        if (known := Disposition.objects.filter(key=key).first()) is not None:
            return _same(known, inspection_id, kind, quantity)
        inspection = Inspection.objects.select_related("location").get(pk=inspection_id)
        made = place(desk, inspection, kind, quantity=quantity, after=after, key=key, note=note)
        lifecycle.save(desk)
        return made

    return retrying(work)


def place(
    desk: ReturnDesk, inspection: Inspection, kind: str, *, quantity: int | None, after: int | None = None, key: str,
    note: str = "", agreed: bool = False,
) -> Disposition:  # fmt: skip
    """The same with the return's desk open; its owner saves it. `agreed`: the customer's word for just this is kept."""
    line = desk.line(inspection.line_id)
    before, left = _taken_from(inspection, after)
    units = left if quantity is None else quantity
    if not 0 < units <= left:
        raise Refusal("nothing_left", f"{left} units are left to decide about, not {units}.", left=left, wanted=units)
    if not agreed:
        _require_ours(inspection, kind, units, before)
    if before is not None and before.kind == kind:
        raise Refusal("same", f"They are that already: {before.get_kind_display().lower()}.", kind=kind)
    state = disposing.STATES[kind]
    made = _write(desk, inspection, line, kind, units, before, key, note)
    item = line.item
    if item is not None:
        goods.move(
            item, units, location_id=inspection.location_id, from_state=before.state if before else _bench_state(),
            to_state=state, key=f"return:disposition:{made.pk}", cause=desk.rma.subject, actor=desk.actor,
            name=_ledger_name(item, inspection), reason=disposing.LEDGER_REASONS.get(kind, ""), note=made.rule[:200],
        )  # fmt: skip
    if kind == disposing.MISSING and inspection.verdict == Acceptance.REJECTED:
        inspection.chosen = min(inspection.chosen + units, inspection.quantity)  # nobody is left to choose for
        inspection.save(update_fields=["chosen"])
    _tell(desk, made, line, before)
    return made


def _require_ours(inspection: Inspection, kind: str, units: int, before: Disposition | None) -> None:
    """What the customer still owns can only be put aside or be missing; rejected units are ours with their word."""
    if kind == disposing.SEND_BACK:
        raise Refusal("not_accepted", "What goes back to the customer has its own step.", verdict=inspection.verdict)
    if inspection.verdict == Acceptance.ACCEPTED or kind in disposing.BEFORE_ACCEPTANCE:
        return
    words = "The customer's money is not settled: until it is accepted, it can only be put aside."
    if inspection.verdict == Acceptance.REJECTED:
        ours = _kept(inspection) - _used(inspection) + (units if before and before.kind != disposing.QUARANTINE else 0)
        if units <= ours:
            return
        words = "They were rejected, so they are the customer's: ask them, or send them back."
    raise Refusal("not_accepted", words, verdict=inspection.verdict)


def _kept(inspection: Inspection) -> int:
    rows = RejectionChoice.objects.filter(inspection=inspection, kind=ChoiceKind.KEEP, status=ChoiceStatus.DONE)
    return rows.aggregate(n=Sum("quantity"))["n"] or 0


def _used(inspection: Inspection) -> int:
    """Units that the customer left to us and that became something; what was scrapped for them is not among these."""
    theirs = {disposing.QUARANTINE, disposing.MISSING, disposing.SEND_BACK}
    rows = Disposition.objects.filter(inspection=inspection).exclude(kind__in=theirs)
    rows = rows.exclude(key__startswith="choice:")
    return sum(each.here for each in rows)


def _bench_state() -> str:
    return str(State.AWAITING_INSPECTION)


def _ledger_name(item: Item, inspection: Inspection) -> str:
    """The unit as the ledger knows it; a number typed for an article that isn't tracked means nothing there."""
    return inspection.bench.serial if item.tracking != "NONE" else ""


def _taken_from(inspection: Inspection, after: int | None) -> tuple[Disposition | None, int]:
    if after is None:
        return None, inspection.left
    before = Disposition.objects.filter(pk=after, inspection=inspection).first()
    if before is None:
        raise Refusal("not_found", "No such disposition of these units.", status=404)
    if before.kind in disposing.GONE:
        raise Refusal("gone", f"They left the house: {before.get_kind_display().lower()}.", kind=before.kind)
    return before, before.here


def _write(
    desk: ReturnDesk, inspection: Inspection, line: ReturnLine, kind: str, units: int, before: Disposition | None,
    key: str, note: str,
) -> Disposition:  # fmt: skip
    proposal = propose(line.item, inspection.grade, worth(line)) if inspection.grade else Proposal(None, None)
    now = timezone.now()
    if before is None:
        inspection.placed += units
        inspection.save(update_fields=["placed"])
    else:
        before.moved_on += units
        before.save(update_fields=["moved_on"])
    aim = kind == disposing.REFURBISH  # the one way that is meant to end on sale
    return Disposition.objects.create(
        inspection=inspection, line=line, after=before, location=inspection.location, kind=kind, quantity=units,
        state=disposing.STATES[kind], rules=proposal.rules, rule=proposal.words[:200] if proposal.rule else "",
        proposed=proposal.kind, note=note.replace("\0", "")[:500], key=key, decided_by=desk.actor.label[:200],
        decided_at=now, due_at=now + timedelta(hours=targets.hours()[clocks.SELL]) if aim else None,
    )  # fmt: skip


def _tell(desk: ReturnDesk, made: Disposition, line: ReturnLine, before: Disposition | None) -> None:
    data = {
        "disposition": made.pk, "inspection": made.inspection_id, "line": line.pk, "order_line": line.order_line_id,
        "sku": line.sku, "quantity": made.quantity, "kind": made.kind, "was": before.kind if before else "",
        "proposed": made.proposed, "rule": made.rule, "location": made.location_id, "state": made.state,
    }  # fmt: skip
    related = [(Subject("item", str(line.item_id), line.sku), "item")] if line.item_id else []
    desk.note(facts.DISPOSED, data, related)
    if made.kind == disposing.RESTOCK:
        desk.note(facts.RESTOCKED, data, related)


def _check(kind: str, quantity: int | None, key: str) -> None:
    problems = []
    if kind not in disposing.KINDS:
        problems.append(Problem("disposition", "unknown", "Choose what becomes of them."))
    if quantity is not None and quantity < 1:
        problems.append(Problem("quantity", "range", "At least one unit."))
    if not 0 < len(key) <= 120 or not key.isprintable():
        problems.append(Problem("key", "required", "A key of 1 to 120 characters is needed."))
    if problems:
        raise Invalid(problems, status=422)


def _same(known: Disposition, inspection_id: int, kind: str, quantity: int | None) -> Disposition:
    if (known.inspection_id, known.kind) != (inspection_id, kind) or quantity not in (None, known.quantity):
        raise Refusal("key_reused", "This key was used for other units.", key=known.key)
    return known
