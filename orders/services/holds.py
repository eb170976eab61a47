"""What stops an order: raised and ended by the rules in force, by people, and by other services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Invalid, Problem, Refusal
from inventory.services.locking import retrying
from orders import canonical, quantities
from orders import events as facts
from orders.holding import Finding, Rule, Trigger
from orders.models import Blocks, Hold, HoldStatus, HoldType, Method, Order, OrderLine, PaymentState
from orders.services import credit, hold_facts, hold_rules, lifecycle
from orders.services.desk import Desk, open_desk

MINUTES = 240  # to decide, where no rule says
STEPS = (Blocks.ALLOCATE, Blocks.RELEASE, Blocks.SHIP)


def _payment(order: Order, lines: list[OrderLine]) -> str:
    if order.payment_state in {PaymentState.PENDING, PaymentState.VOIDED} and not credit.on_account(order):
        return f"The payment is {order.payment_state}."
    return ""


def _address(order: Order, lines: list[OrderLine]) -> str:
    if order.method != Method.SHIP or not any(quantities.is_physical(line) for line in lines):
        return ""
    address = canonical.Address(**order.ship_to) if order.ship_to else None
    missing = canonical.missing_parts(address)
    return f"The delivery address lacks: {', '.join(missing).replace('_', ' ')}." if missing else ""


# type -> why it stands now: a sentence ("" = it doesn't), which a person can't wave through, or a Finding. What other
# modules know goes in here too; the rule with the test `known` of that type says what the hold blocks.
PREDICATES: dict[str, Callable[[Order, list[OrderLine]], Any]] = {
    HoldType.PAYMENT: _payment,
    HoldType.ADDRESS: _address,
    HoldType.CREDIT: credit.credit_problem,
    HoldType.APPROVAL: credit.approval_problem,
}


@dataclass(frozen=True, slots=True)
class Needed:
    """A hold that the rules call for now: which of them, and what each found."""

    rules: tuple[Rule, ...]
    entries: tuple[dict[str, Any], ...]

    @property
    def blocks(self) -> str:
        return min((rule.blocks for rule in self.rules), key=_strength)

    @property
    def minutes(self) -> int:
        return min(rule.minutes for rule in self.rules)


def wanted(
    desk: Desk, *, changed: frozenset[str] = frozenset(), accepted: frozenset[str] = frozenset()
) -> dict[str, Needed]:
    """The holds this order needs now by the rules in force. An order with nothing to deliver needs none.

    What a person accepted before is left out, unless it is firm.
    """
    if _finished(desk):
        return {}
    about = hold_facts.about(desk.order, desk.lines, PREDICATES, changed)
    found: dict[str, list[tuple[Rule, list[dict[str, Any]]]]] = {}
    for rule in hold_rules.current(desk.rules_stamp).values():
        if rule.trigger == Trigger.INTAKE or (rule.trigger == Trigger.CHANGE and changed):
            findings = rule.find(about)
            if findings is not None:
                entries = [_entry(rule, each) for each in findings]
                if any(entry["firm"] or entry["key"] not in accepted for entry in entries):
                    found.setdefault(rule.kind, []).append((rule, entries))
    return {
        kind: Needed(tuple(rule for rule, _ in each), tuple(entry for _, entries in each for entry in entries))
        for kind, each in found.items()
    }


def sync(desk: Desk, *, changed: frozenset[str] = frozenset()) -> None:
    """Raise the holds the rules call for, bring standing ones up to date, and resolve those that are no longer true.

    A hold by a person or one that follows another ends with the order, otherwise only by a person.
    """
    needed = wanted(desk, changed=changed)
    if needed and not desk.is_new and any(not e["firm"] for n in needed.values() for e in n.entries):
        needed = wanted(desk, changed=changed, accepted=_accepted(desk.order.pk))
    finished = _finished(desk)
    for hold in list(desk.holds):
        if finished or (hold.type not in needed and not _sticky(hold)):
            end(desk, hold, HoldStatus.RESOLVED, how="It is no longer true.")
    for kind, need in needed.items():
        standing = _standing(desk, kind)
        if standing is None:
            _put(desk, kind, need.entries, blocks=need.blocks, minutes=need.minutes)
        else:
            _update(desk, standing, [*_sticky(standing), *need.entries], need.blocks)
    for hold in desk.holds:  # what only rules said and says less now
        if hold.type not in needed and len(sticky := _sticky(hold)) < len(hold.evidence):
            _update(desk, hold, sticky, hold.blocks)


def raise_(
    desk: Desk,
    kind: str,
    why: str,
    *,
    blocks: str = Blocks.RELEASE,
    evidence: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    minutes: int = MINUTES,
) -> Hold:
    """Put a hold on the desk's order; written when the desk is saved. It ends only by a person, or with the order.

    Where one of this type stands already, that one gains the evidence. `evidence` are pairs of a label and its value.
    """
    rows = evidence.items() if isinstance(evidence, Mapping) else evidence
    entry = _entry(None, Finding(why[:255], tuple((str(a), str(b)) for a, b in rows), key=f"{kind}:{why}"))
    hold = _standing(desk, kind)
    if hold is None:
        return _put(desk, kind, (entry,), blocks=blocks, minutes=minutes)
    if entry["key"] not in {each["key"] for each in hold.evidence}:
        _update(desk, hold, [*hold.evidence, entry], min(hold.blocks, blocks, key=_strength))
    return hold


def end(desk: Desk, hold: Hold, status: str, *, how: str, note: str = "", by_person: bool = False) -> None:
    desk.holds.remove(hold)
    if hold in desk.new_holds:  # raised a moment ago and never written
        desk.new_holds.remove(hold)
        return
    hold.move(
        status,
        resolved_at=timezone.now(),
        resolved_by=desk.actor.label[:200],
        by_person=by_person,
        note=note[:500],
    )
    desk.note(
        facts.HOLD_RESOLVED,
        {"type": hold.type, "blocks": hold.blocks, "how": how, "note": note, "status": str(status)},
    )


def blocks(desk: Desk, what: str) -> bool:
    return bool(blocking(desk, what))


def blocking(desk: Desk, what: str) -> list[Hold]:
    """The holds that keep this step from being taken. A hold stops its own step and every later one; only work that had
    begun before a person put it on hold goes on and may leave."""
    if what == Blocks.CAPTURE:
        return [hold for hold in desk.holds if hold.blocks == what]
    return [
        hold
        for hold in desk.holds
        if hold.blocks in STEPS
        and _strength(hold.blocks) <= _strength(what)
        and not (what == Blocks.SHIP and hold.type == HoldType.MANUAL and hold.blocks == Blocks.RELEASE)
    ]


def require_free(desk: Desk, what: str) -> None:
    """Refusal("held") while a hold blocks this step."""
    if standing := blocking(desk, what):
        hold = standing[0]
        raise Refusal(
            "held",
            f"Order {desk.order.number} is on hold ({hold.get_type_display().lower()}): {hold.reason}",
            hold=hold.type,
            blocks=hold.blocks,
        )


# --- By a person ---------------------------------------------------------------------------------------------------


def place(
    order_id: int,
    *,
    kind: str = HoldType.MANUAL,
    reason: str = "",
    actor: Actor,
    blocks: str = Blocks.RELEASE,
    version: int | None = None,
    rule: str = "",
) -> None:
    """Hold an order by hand. With `rule`, the code of one that people choose: its type, blocks and clock are taken.

    Refusal("already_held") when one of the type stands, ("nothing_to_hold") when nothing is left to deliver.
    """
    problems = [
        Problem(name, "choice", "is not one of those offered")
        for name, chosen, known in (("type", kind, HoldType.values), ("blocks", blocks, Blocks.values))
        if chosen not in known
    ]
    if problems:
        raise Invalid(problems, status=422)

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        lifecycle.require_version(desk, version)
        chosen = hold_rules.current(desk.rules_stamp).get(rule) if rule else None
        if rule and (chosen is None or chosen.trigger != Trigger.PERSON):
            raise Refusal("unknown_rule", "No such reason to hold an order.", status=422)
        type_ = chosen.kind if chosen else kind
        if _standing(desk, type_) is not None:
            raise Refusal("already_held", "This order is held already.", hold=type_)
        if _finished(desk):
            raise Refusal("nothing_to_hold", f"Order {desk.order.number} has nothing left to deliver.")
        if chosen is None:
            raise_(desk, type_, reason or "Held by a person", blocks=blocks)
        else:
            entry = _entry(chosen, Finding(reason or chosen.name, key=f"{chosen.code}:{desk.order.version}"))
            _put(desk, type_, (entry,), blocks=chosen.blocks, minutes=chosen.minutes)
        lifecycle.save(desk)

    retrying(work)


def place_manual(order_id: int, *, reason: str, actor: Actor, version: int | None = None) -> None:
    """Hold an order by hand: nothing more of it is released to a node. Refusal("already_held") when one stands."""
    place(order_id, reason=reason, actor=actor, version=version)


def release(order_id: int, *, hold_type: str, actor: Actor, version: int | None = None, note: str = "") -> None:
    """A person lifts one hold: they have judged its evidence, and the order goes on. Safe to repeat.

    Rules may raise another hold in its place. Locks the order. Raises Refusal("hold_stands") while something firm is
    still wrong: a payment that isn't there, an address nothing can be sent to.
    """

    def work() -> None:
        desk = open_desk(order_id, actor=actor)
        lifecycle.require_version(desk, version)
        hold = _standing(desk, hold_type)
        if hold is None:
            return
        need = wanted(desk).get(hold_type)
        firm = [entry for entry in need.entries if entry["firm"]] if need else []
        if firm:
            raise Refusal("hold_stands", firm[0]["why"], hold=hold.type)
        if need:  # what is true now is what was judged
            hold.evidence = [*_sticky(hold), *need.entries]
            hold.save(update_fields=["evidence"])
        end(desk, hold, HoldStatus.RESOLVED, how="By a person", note=note, by_person=True)
        _follow(desk, hold)
        lifecycle.save(desk)

    retrying(work)


def _follow(desk: Desk, hold: Hold) -> None:
    """Raise what the rules behind a resolved hold say comes next."""
    rules = hold_rules.current(desk.rules_stamp)
    codes = {entry.get("rule") for entry in hold.evidence}
    for code in sorted({rule.then for rule in rules.values() if rule.code in codes and rule.then}):
        follower = rules.get(code)
        if follower is None or _finished(desk):
            continue
        findings = follower.find(hold_facts.about(desk.order, desk.lines, PREDICATES))
        if findings is None:
            continue
        why = Finding(f"Follows {hold.get_type_display().lower()}.", key=f"after:{hold.pk}")
        entries = tuple(_entry(follower, each) for each in findings or [why])
        standing = _standing(desk, follower.kind)
        if standing is None:
            _put(desk, follower.kind, entries, blocks=follower.blocks, minutes=follower.minutes)
        else:
            _update(
                desk, standing, [*standing.evidence, *entries], min(standing.blocks, follower.blocks, key=_strength)
            )


def look_again(*, limit: int = 200, actor: Actor = SYSTEM) -> int:
    """Ask the rules again about holds that stand, those not asked for longest first; returns how many ended.

    For a timer: what made a hold true may have changed elsewhere (an earlier order cancelled, a price put right).
    """
    found = (
        Hold.objects.standing()
        .exclude(type=HoldType.CREDIT)  # credit that comes free goes to the oldest first: services.approving
        .order_by(F("looked_at").asc(nulls_first=True), "pk")
        .values_list("pk", "order_id")[:limit]
    )
    ended = 0
    for hold_id, order_id in list(found):
        ended += retrying(lambda order_id=order_id: _look(order_id, actor))  # type: ignore[misc]
        Hold.objects.filter(pk=hold_id).update(looked_at=timezone.now())
    return ended


def _look(order_id: int, actor: Actor) -> int:
    desk = open_desk(order_id, actor=actor)
    before = len(desk.holds)
    sync(desk)
    if desk.facts:
        lifecycle.save(desk)
    return max(0, before - len(desk.holds))


# --- The pieces ----------------------------------------------------------------------------------------------------


def _put(desk: Desk, kind: str, entries: Sequence[dict[str, Any]], *, blocks: str, minutes: int) -> Hold:
    now = timezone.now()
    hold = Hold(
        order_id=desk.order.pk,
        type=kind,
        blocks=blocks,
        reason=_reason(entries),
        evidence=list(entries),
        created_at=now,
        looked_at=now,
        due_at=now + timedelta(minutes=minutes),
        created_by=desk.actor.label[:200],
    )
    desk.holds.append(hold)
    desk.new_holds.append(hold)
    desk.note(facts.HELD, {"type": str(kind), "blocks": str(blocks), "reason": hold.reason})
    return hold


def _update(desk: Desk, hold: Hold, entries: list[dict[str, Any]], blocks: str) -> None:
    """Let a standing hold say what is true now."""
    if (hold.evidence, hold.blocks) == (entries, blocks):
        return
    hold.evidence, hold.reason, hold.blocks = entries, _reason(entries), blocks
    if hold not in desk.new_holds:
        hold.save(update_fields=["evidence", "reason", "blocks"])


def _entry(rule: Rule | None, finding: Finding) -> dict[str, Any]:
    return {
        "rule": rule.code if rule else "",
        "name": rule.name if rule else "",
        "trigger": str(rule.trigger) if rule else str(Trigger.PERSON),
        "why": finding.why,
        "rows": [list(row) for row in finding.rows],
        "key": finding.key or finding.why,
        "firm": finding.firm,
    }


def _sticky(hold: Hold) -> list[dict[str, Any]]:
    """What only a person ends. Holds from before there were rules have no evidence: theirs is what their type says."""
    if not hold.evidence:
        return [] if hold.type in PREDICATES else [_entry(None, Finding(hold.reason))]
    return [entry for entry in hold.evidence if entry["trigger"] != Trigger.INTAKE]


def _reason(entries: Sequence[dict[str, Any]]) -> str:
    return " ".join(dict.fromkeys(entry["why"] for entry in entries))[:255]


def _standing(desk: Desk, kind: str) -> Hold | None:
    return next((hold for hold in desk.holds if hold.type == kind), None)


def _strength(step: str) -> int:
    return STEPS.index(Blocks(step)) if step in STEPS else len(STEPS)


def _finished(desk: Desk) -> bool:
    return not any(quantities.to_deliver(line) for line in desk.lines)


def _accepted(order_id: int) -> frozenset[str]:
    judged = Hold.objects.filter(order_id=order_id, status=HoldStatus.RESOLVED, by_person=True)
    return frozenset(entry["key"] for found in judged.values_list("evidence", flat=True) for entry in found)
