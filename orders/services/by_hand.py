"""Captures, voids and store credit that a person wants: looked at first, then done or asked for. Once per key."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.formats import money
from exceptions.models import ApprovalRequest
from exceptions.playbook import ApprovalRule
from exceptions.services import cases
from orders import tenders
from orders.models import Order, StoreCredit
from orders.services import agreeing, instructions, store_credit
from orders.tenders import Tender

MOVE, CREDIT = "orders.payment_asked", "orders.credit_asked"
MAY_PAY, MAY_CREDIT = "orders.approve_payment", "orders.approve_storecredit"
CAPTURE, LET_GO, ENTER = "capture", "let_go", "enter_credit"
ACTIONS = frozenset({CAPTURE, LET_GO, ENTER})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one authorisation, and who would do it."""

    gateway: str
    ref: str
    amount: Decimal
    by: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What it would do."""

    amount: Decimal
    currency: str
    parts: tuple[Part, ...]
    rule: ApprovalRule | None

    @property
    def approval(self) -> str:
        return f"Above {money(self.rule.above, self.rule.currency)}" if self.rule else ""


# --- Payments --------------------------------------------------------------------------------------------------------


def look_at_capture(order: Order, amount: Decimal) -> Seen:
    """What capturing so much would do. Writes nothing. Refusal("more_than_authorised"), ("capture_held")."""
    standing = _standing(order)
    parts = tenders.split(amount, [tender for tender, _ in standing])
    left = sum((tender.room for tender, _ in standing), ZERO)
    if any("CAPTURE" in hold.blocks for hold in order.holds.filter(status="CREATED")):
        raise Refusal("capture_held", f"A hold of {order.number} stands: lift it before its payment is captured.")
    if sum((part.amount for part in parts), ZERO) < amount:
        words = f"{money(left, order.currency)} is authorised, not {money(amount, order.currency)}."
        raise Invalid([Problem("amount", "more_than_authorised", words)], status=422)
    by = {tender.id: who for tender, who in standing}
    shown = tuple(Part(p.tender.gateway, p.tender.ref, p.amount, by[p.tender.id]) for p in parts)
    return Seen(amount, order.currency, shown, _rule(MOVE, CAPTURE, amount, order.currency, MAY_PAY))


def look_at_void(order: Order) -> Seen:
    """What letting go of all that is held would do. Refusal("nothing_held")."""
    standing = _standing(order)
    if not standing:
        raise Refusal("nothing_held", f"Nothing of {order.number} is authorised any more.", status=422)
    amount = sum((tender.room for tender, _ in standing), ZERO)
    shown = tuple(Part(tender.gateway, tender.ref, tender.room, who) for tender, who in standing)
    return Seen(amount, order.currency, shown, _rule(MOVE, LET_GO, amount, order.currency, MAY_PAY))


def move(order: Order, verb: str, seen: Seen, *, key: str, why: str, actor: Actor) -> ApprovalRequest | None:
    """Do what was looked at, or ask for it: the request then. Once per key."""
    params = {"amount": f"{seen.amount:f}", "why": why, "key": key}
    if seen.rule is None:
        run_move(str(order.pk), verb, approver_id=None, actor=actor, **params)
        return None
    word = "Capture" if verb == CAPTURE else "Let go of"
    summary = f"{word} {money(seen.amount, seen.currency)} of {order.number}: {why}"
    return agreeing.ask(
        MOVE, verb, instructions.subject_of(order), params, seen.rule, value=seen.amount, currency=seen.currency,
        summary=summary, actor=actor,
    )  # fmt: skip


def run_move(uid: str, verb: str, *, amount: str, why: str, key: str, approver_id: int | None, actor: Actor) -> str:
    """The case's action, and what is done at once below the limit."""
    order = Order.objects.select_related("channel").get(pk=uid)
    cause = f"screen:{order.pk}:{key}"
    wanted = Decimal(amount)
    if verb == CAPTURE:
        agreeing.must_be_agreed(_rule(MOVE, verb, wanted, order.currency, MAY_PAY), approver_id)
        made = instructions.capture(order.pk, wanted, cause=cause, why=why, actor=actor)
    else:
        now = sum((left for _, left in instructions.held(order.pk)), ZERO)
        if now > wanted:
            raise Refusal("changed", "More is held by now than what was looked at. Look again.")
        agreeing.must_be_agreed(_rule(MOVE, verb, max(now, wanted), order.currency, MAY_PAY), approver_id)
        made = instructions.void(order.pk, cause=cause, why=why, actor=actor)
    word = "captured" if verb == CAPTURE else "let go"
    return f"{money(wanted, order.currency)} is {word}, in {len(made)}."


def _standing(order: Order) -> list[tuple[Tender, str]]:
    found = instructions.held_tenders(order.pk, order.currency)
    return [(tender, instructions.route(order, tender.gateway).get_via_display()) for tender in found]


# --- Store credit ----------------------------------------------------------------------------------------------------


def look_at_credit(credit: StoreCredit, amount: Decimal) -> Seen:
    """What giving so much (below nothing: taking it) would do. Invalid where it doesn't hold as much."""
    if credit.balance + amount < 0:
        words = f"It holds {money(credit.balance, credit.currency)}: no more can be taken."
        raise Invalid([Problem("amount", "not_enough_credit", words)], status=422)
    return Seen(amount, credit.currency, (), _rule(CREDIT, ENTER, abs(amount), credit.currency, MAY_CREDIT))


def enter(credit: StoreCredit, seen: Seen, *, key: str, why: str, actor: Actor) -> ApprovalRequest | None:
    """Do what was looked at, or ask for it: the request then. Once per key."""
    params = {"amount": f"{seen.amount:f}", "why": why, "key": key}
    if seen.rule is None:
        run_credit(str(credit.pk), approver_id=None, actor=actor, **params)
        return None
    word = "Give" if seen.amount > 0 else "Take"
    return agreeing.ask(
        CREDIT, ENTER, credit.subject, params, seen.rule, value=abs(seen.amount), currency=seen.currency,
        summary=f"{word} {money(abs(seen.amount), seen.currency)}, {credit.code}: {why}", actor=actor,
    )  # fmt: skip


def run_credit(uid: str, *, amount: str, why: str, key: str, approver_id: int | None, actor: Actor) -> str:
    credit = StoreCredit.objects.get(pk=uid)
    wanted = Decimal(amount)
    agreeing.must_be_agreed(_rule(CREDIT, ENTER, abs(wanted), credit.currency, MAY_CREDIT), approver_id)
    do = store_credit.give if wanted > 0 else store_credit.spend
    do(credit.pk, abs(wanted), key=f"screen:{credit.pk}:{key}", why=why, actor=actor)
    return f"{credit.code}: {money(wanted, credit.currency)}."


def settled(request_id: int, *, actor: Actor) -> None:
    """Somebody decided about it, or nobody did in time: its case is over."""
    asked = ApprovalRequest.objects.select_related("case").filter(pk=request_id).first()
    if asked is not None and asked.case.reason in {MOVE, CREDIT}:
        cases.recheck_case(asked.case_id, actor=actor)


def _rule(reason: str, action: str, amount: Decimal, currency: str, permission: str) -> ApprovalRule | None:
    return agreeing.rule(reason, action, amount, currency, permission=permission)
