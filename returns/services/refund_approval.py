"""Refunds above a limit wait for somebody else than whoever entered them, in the inbox of every other approval.

The limits are the approval rules' own (a rule of the reason `returns.refund_waits`, or of its queue); where none covers
a currency, the one below does. One that nobody entered (a policy's instant refund) needs one person.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from core import actors
from core.actors import CLIENT, PERSON, SYSTEM, Actor, user_id
from core.errors import Refusal
from core.models import User
from exceptions.models import ApprovalRequest, ApprovalStatus, Case, Status
from exceptions.playbook import ApprovalRule
from exceptions.services import acting, approvals, cases
from orders.services import agreeing
from returns.models import RefundDecision, RefundStatus

REASON, ACTION = "returns.refund_waits", "pay_refund"
PERMISSION, DECIDES = "returns.approve_refund", "returns.decide_refund"


def rule(amount: Decimal, currency: str) -> ApprovalRule | None:
    """The rule that wants a second person for so much, if one does."""
    return agreeing.rule(REASON, ACTION, amount, currency, permission=PERMISSION)


def ask(decision: RefundDecision, *, actor: Actor) -> None:
    """Its case opens; a person's or a program's own is asked for in the inbox at once."""
    wanted = rule(decision.amount, decision.currency)
    case_id = cases.open_(
        REASON, decision.subject, actor=actor, value=decision.amount, currency=decision.currency,
        summary=f"{decision.amount} {decision.currency}, entered by {decision.entered_label}"
        + (f": {decision.why}" if decision.why else ""),
    )  # fmt: skip
    if wanted is None or actor.kind not in {PERSON, CLIENT} or not _asks_for_money(actor):
        return
    case = Case.objects.get(pk=case_id)
    reason, action = acting.find(case, ACTION)
    approvals.ask(acting.plan(case, reason, action, {}, actor=actor), wanted, actor=actor)


def _asks_for_money(actor: Actor) -> bool:
    """Whoever inspected the goods asked for none: the case waits for one who approves, as with a policy's refund."""
    if actor.kind != PERSON:
        return True
    found = User.objects.filter(pk=user_id(actor) or 0, is_active=True).first()
    return found is not None and found.has_perm(DECIDES)


def approve(decision_id: int, *, note: str = "", actor: Actor) -> RefundDecision:
    """Agree: it is paid now. Refusal 403 for one's own or without the permission, ("not_waiting") when it doesn't."""
    decision, person = _waiting(decision_id), _person(actor)
    if decision.entered_by_id == person.pk:
        raise Refusal("own_refund", "Somebody else has to agree to what you entered.", status=403)
    if not person.has_perm(PERMISSION):
        raise Refusal("may_not_approve", "You may not approve refunds.", status=403)
    asked = request_of(decision)
    if asked is not None:
        approvals.approve(asked.pk, note=note, actor=actor)
    else:
        case = _case(decision)
        reason, action = acting.find(case, ACTION)
        run = acting.perform(case, action, reason=reason, params={}, actor=actor)
        acting.settle(run, actor=actor)
    return RefundDecision.objects.get(pk=decision_id)


def decline(decision_id: int, *, note: str, actor: Actor) -> RefundDecision:
    """Say no. Whoever entered it may take it back; anybody else needs the permission to approve."""
    from returns.services import refunds

    decision, person = _waiting(decision_id), _person(actor)
    if decision.entered_by_id != person.pk and not person.has_perm(PERMISSION):
        raise Refusal("may_not_approve", "You may not decide about refunds.", status=403)
    return refunds.decline(decision_id, note=note, actor=actor)


def pay(uid: str, *, actor: Actor, approver_id: int | None = None) -> str:
    """The case's action: run by the inbox in the name of whoever asked, with whoever agreed."""
    from returns.services import refunds

    approver = User.objects.filter(pk=approver_id, is_active=True).first() if approver_id else _person(actor)
    if approver is None or not approver.has_perm(PERMISSION):
        raise Refusal("may_not_approve", "You may not approve refunds.", status=403)
    decision = refunds.release(int(uid), approver=actors.person(approver), actor=actor)
    return f"{decision.number}: {decision.amount} {decision.currency} go back."


def follow(request_id: int, what: str, note: str, *, actor: Actor) -> None:
    """The inbox said no: so does the refund. One that ran out of time, or was withdrawn, waits on."""
    from returns.services import refunds

    asked = ApprovalRequest.objects.select_related("case").filter(pk=request_id).first()
    if asked is None or asked.case.reason != REASON or asked.status != ApprovalStatus.DECLINED:
        return
    decision = RefundDecision.objects.filter(pk=int(asked.case.subject_uid)).first()
    if decision is not None and decision.status == RefundStatus.WAITING:
        refunds.decline(decision.pk, note=note or what or "Declined", actor=actor)


def withdraw(decision: RefundDecision) -> None:
    """Nothing is left to agree to."""
    asked = request_of(decision)
    if asked is not None:
        asked.move(ApprovalStatus.VOID, decided_at=timezone.now(), note=decision.note[:1000])


def request_of(decision: RefundDecision) -> ApprovalRequest | None:
    """What waits for it in the inbox."""
    rows = ApprovalRequest.objects.filter(
        case__reason=REASON, case__subject_kind="refund", case__subject_uid=str(decision.pk),
        status=ApprovalStatus.WAITING,
    )  # fmt: skip
    return rows.order_by("-pk").first()


def _case(decision: RefundDecision) -> Case:
    found = Case.objects.filter(reason=REASON, subject_kind="refund", subject_uid=str(decision.pk)).exclude(
        status=Status.RESOLVED
    )
    case = found.first()
    if case is None:
        cases.open_(REASON, decision.subject, actor=SYSTEM, value=decision.amount, currency=decision.currency)
        case = found.get()
    return case


def _waiting(decision_id: int) -> RefundDecision:
    decision = RefundDecision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise Refusal("not_found", "No such refund.", status=404)
    if decision.status != RefundStatus.WAITING:
        raise Refusal("not_waiting", f"{decision.number} doesn't wait for anybody.", status_now=decision.status)
    return decision


def _person(actor: Actor) -> User:
    found = User.objects.filter(pk=user_id(actor) or 0, is_active=True).first()
    if found is None:
        raise Refusal("not_a_person", "Only a person can decide this.", status=403)
    return found


def known(uid: str) -> Any:
    return (
        RefundDecision.objects.select_related("order", "request").filter(pk=int(uid)).first() if uid.isdigit() else None
    )
