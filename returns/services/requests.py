"""What happens to a return before its goods come: asked for, approved, declined, called off, given up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import Refusal
from core.ids import uuid7
from core.subjects import Subject
from exceptions.services import cases
from inventory.models import Location
from inventory.services.locking import retrying
from orders.models import Order
from returns import events as facts
from returns import rules
from returns.models import (
    Acceptance,
    Reception,
    RefundPlan,
    RefundTo,
    ReturnKind,
    ReturnLine,
    ReturnRequest,
    ReturnStatus,
    Verdict,
)
from returns.services import asking, lifecycle, refunding
from returns.services.asking import Asked, AskedLine, Judged
from returns.services.lifecycle import ReturnDesk, open_return
from returns.services.policies import Deciding, of_version
from returns.services.weighing import Wanted, goods

WAITING = "returns.awaiting_approval"
__all__ = ["Asked", "AskedLine", "approve", "cancel", "decline", "expire", "request", "validate"]


def validate(asked: Asked) -> Judged:
    """What would become of it. Writes nothing. Raises what `request` raises."""
    return asking.judge(asked)


def request(asked: Asked, *, actor: Actor, source: Subject | None = None) -> ReturnRequest:
    """Take in a return and decide what the policy decides: approved at once, declined, or waiting for a person.

    A channel's return counts once by its ref: asked for again, the one there is comes back as it is. Locks the order,
    so that no unit comes back twice. Invalid names what can't be understood.
    """

    def work() -> ReturnRequest:
        channel_id = asked.channel_id
        if asked.order_id is not None:
            locked = Order.objects.select_for_update(no_key=True).filter(pk=asked.order_id)
            channel_id = locked.values_list("channel_id", flat=True).first()
        if asked.channel_ref:
            known = ReturnRequest.objects.filter(channel=channel_id, channel_ref=asked.channel_ref).first()
            if known is not None:
                return known
        if asked.uid is not None and (known := ReturnRequest.objects.filter(uid=asked.uid).first()) is not None:
            return known
        judged = asking.judge(asked)
        desk = ReturnDesk(_write(judged, actor), [], actor, source=source)
        desk.lines = list(ReturnLine.objects.filter(request=desk.rma).select_related("item", "order_line"))
        desk.note(facts.REQUESTED, _told(judged))
        _decide(desk, judged)
        return desk.rma

    return retrying(work)


def approve(
    return_id: int,
    *,
    version: int | None = None,
    location_id: int | None = None,
    refund_plan: str = "",
    refund_to: str = "",
    fee: Decimal | None = None,
    override: str = "",
    actor: Actor,
) -> ReturnRequest:
    """A person says yes, on the terms of the policy or their own. Safe to repeat.

    What the policy denies needs `override`, the reason it is approved all the same. Refusal("denied"), ("ended"),
    ("stale"), ("already_returned") where the units came back another way meanwhile.
    """

    def work() -> ReturnRequest:
        desk = open_return(return_id, version=version, actor=actor)
        rma = desk.rma
        if rma.approved_at is not None and rma.status == ReturnStatus.OPEN:
            return rma
        if rma.status not in {ReturnStatus.OPEN, ReturnStatus.DECLINED}:
            raise Refusal("ended", f"{rma} is {rma.get_status_display().lower()}.", status_now=rma.status)
        if rma.verdict == Verdict.DENIED and not override:
            raise Refusal("denied", f"The policy denies it ({rma.rule}). Say why it is approved all the same.")
        if rma.status == ReturnStatus.DECLINED:
            _still_free(desk)
            rma.move(ReturnStatus.OPEN, ended_at=None, ended_reason="")
        rma.refund_plan = refund_plan or rma.refund_plan
        rma.refund_to = refund_to or rma.refund_to
        rma.fee = rma.fee if fee is None else fee
        if location_id is not None:
            rma.location = Location.objects.get(pk=location_id)
        if override:
            rma.explained = {**rma.explained, "override": override[:300]}
        _approve(desk, by="person", why=override)
        lifecycle.save(desk, fields=_APPROVED)
        refunding.at_once(rma, actor=actor)
        return rma

    return retrying(work)


def decline(return_id: int, *, reason: str, version: int | None = None, actor: Actor) -> ReturnRequest:
    """No. Only before it was approved: what was promised is called off instead. Safe to repeat."""

    def work() -> ReturnRequest:
        desk = open_return(return_id, version=version, actor=actor)
        if desk.rma.status == ReturnStatus.DECLINED:
            return desk.rma
        if not desk.rma.waits_for_approval:
            raise Refusal("ended", f"{desk.rma} was approved or has ended: it can only be called off.")
        _decline(desk, reason, desk.rma.rule)
        return lifecycle.save(desk, fields=["decided_by"])

    return retrying(work)


def cancel(
    return_id: int, *, reason: str, version: int | None = None, lines: Iterable[int] | None = None, actor: Actor
) -> ReturnRequest:
    """What has not come is not awaited any more; what came goes its way. Safe to repeat.

    Refusal("nothing_to_cancel") where everything came already.
    """

    def work() -> ReturnRequest:
        desk = open_return(return_id, version=version, actor=actor)
        if desk.rma.status == ReturnStatus.CANCELLED:
            return desk.rma
        if desk.rma.status != ReturnStatus.OPEN:
            raise Refusal(
                "ended", f"{desk.rma} is {desk.rma.get_status_display().lower()}.", status_now=desk.rma.status
            )
        gone = lifecycle.give_up(desk, Reception.CANCELLED, lines)
        if not gone:
            raise Refusal("nothing_to_cancel", f"Nothing of {desk.rma} is awaited any more.")
        desk.rma.ended_reason = reason[:255]
        desk.note(facts.CANCELLED, {"reason": reason[:255], "lines": gone})
        return lifecycle.save(desk, fields=["ended_reason"])

    return retrying(work)


def expire(return_id: int, *, actor: Actor, now: datetime | None = None) -> ReturnRequest:
    """It was approved and never sent: it is not waited for any longer. Nothing happens before its time, nor twice."""

    def work() -> ReturnRequest:
        desk = open_return(return_id, actor=actor)
        rma = desk.rma
        due = rma.expires_at is not None and rma.expires_at <= (now or timezone.now())
        if rma.status != ReturnStatus.OPEN or not due:
            return rma
        waiting = [line.pk for line in desk.lines if line.reception == Reception.AWAITING]
        gone = lifecycle.give_up(desk, Reception.EXPIRED, waiting)
        rma.expires_at = None
        if gone:
            rma.ended_reason = "It was never sent."
            desk.note(facts.EXPIRED, {"lines": gone})
        return lifecycle.save(desk, fields=["ended_reason", "expires_at"])

    return retrying(work)


# --- The pieces

_APPROVED = ("approved_at", "expires_at", "decided_by", "location", "refund_plan", "refund_to", "fee", "explained")


def _write(judged: Judged, actor: Actor) -> ReturnRequest:
    asked, order, whole = judged.asked, judged.order, judged.whole
    rma = ReturnRequest.objects.create(
        number=_number(),
        uid=asked.uid or uuid7(),
        kind=asked.kind,
        proof=asked.proof,
        order=order,
        channel=judged.channel,
        channel_ref=asked.channel_ref,
        channel_number=asked.channel_number,
        asked_at_id=asked.store_id,
        location_id=asked.store_id or (judged.route.chosen.node.id if judged.route.chosen else None),
        receipt_ref=asked.receipt_ref,
        buyer_ref=order.buyer_ref if order else "",
        buyer_name=asked.buyer_name or (order.buyer_name if order else ""),
        buyer_email=(asked.buyer_email or (order.buyer_email if order else "")).strip().lower(),
        buyer_phone=asked.buyer_phone or (order.buyer_phone if order else ""),
        sent_from=dict(asking.address_of(asked, order)),
        verdict=whole.verdict,
        rule=whole.rule,
        policy_version_id=judged.policy.version_id,
        explained=explained(judged),
        standing=judged.stands.standing,
        refund_plan=judged.plan,
        refund_to=judged.agreed.to,
        currency=judged.currency,
        fee=judged.agreed.fee,
        refunds_shipping=judged.agreed.refunds_shipping,
        note=asked.note,
        asked_by=actor.label[:200],
        created_at=asked.asked_on or timezone.now(),
    )
    ReturnLine.objects.bulk_create(
        ReturnLine(
            request=rma,
            position=n,
            ref=said.ref,
            order_line=each.line,
            item=each.item,
            sku=each.sku,
            title=each.title[:255],
            quantity=each.quantity,
            reason=said.reason,
            reason_text=said.reason_text[:1000],
            condition=said.condition,
            serials=list(said.serials),
            verdict=answer.verdict,
            rule=answer.rule,
            why=answer.why[:300],
            return_by=answer.return_by,
            unit_value=each.unit_value,
            restocking_percent=line_terms.restocking_percent,
        )
        for n, (said, each, answer, line_terms) in enumerate(
            zip(asked.lines, judged.wanted, judged.answers, judged.agreed.lines, strict=True), start=1
        )
    )
    return rma


def _number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('returns_number')")
        return f"RMA-{cursor.fetchone()[0]}"


def _decide(desk: ReturnDesk, judged: Judged) -> None:
    """What the policy decides by itself; the rest waits for a person."""
    rma, whole = desk.rma, judged.whole
    why = whole.why
    if whole.verdict == Verdict.DENIED:
        _decline(desk, whole.why, whole.rule)
    lifecycle.save(desk, fields=_APPROVED)
    if whole.verdict == Verdict.ELIGIBLE:
        why = _approve_by_policy(desk, whole.why)
    if rma.waits_for_approval:
        cases.open_(WAITING, rma.subject, actor=desk.actor, summary=why, value=judged.worth, currency=judged.currency)


def _approve_by_policy(desk: ReturnDesk, why: str) -> str:
    """Approved, or why that is left to a person: money the policy would give away can't go."""
    try:
        with transaction.atomic():
            _approve(desk, by="policy", why=why)
            lifecycle.save(desk, fields=_APPROVED)
            refunding.at_once(desk.rma, actor=desk.actor)
    except Refusal as no:
        desk.rma.refresh_from_db()
        return no.message
    return ""


def _decline(desk: ReturnDesk, reason: str, rule: str) -> None:
    rma = desk.rma
    rma.decided_by = desk.actor.label[:200]
    rma.move(
        ReturnStatus.DECLINED, ended_at=timezone.now(), ended_reason=reason[:255], version=rma.version,
        decided_by=rma.decided_by,
    )  # fmt: skip
    desk.note(facts.DECLINED, {"reason": reason[:255], "rule": rule})


def _approve(desk: ReturnDesk, *, by: str, why: str) -> None:
    """Say yes: where to, by when, and whether the money goes at once."""
    rma = desk.rma
    now = timezone.now()
    days = (
        of_version(rma.policy_version_id) if rma.policy_version_id else Deciding(rules.standard())
    ).policy.expires_days
    rma.approved_at, rma.decided_by = now, desk.actor.label[:200]
    rma.expires_at = None if rma.kind == ReturnKind.COUNTER else now + timedelta(days=days)
    if rma.refund_to == RefundTo.EXCHANGE and rma.refund_plan == RefundPlan.KEEP_IT:
        raise Refusal("kept_exchange", "What the customer keeps is refunded, not exchanged.", status=422)
    if rma.refund_plan == RefundPlan.KEEP_IT:
        rma.expires_at = None
        for line in desk.lines:
            line.kept = line.accepted = line.awaited
            desk.receive_as(line, Reception.CANCELLED)
            desk.judge_as(line, Acceptance.ACCEPTED)
    desk.note(
        facts.APPROVED,
        {
            "location": rma.location.code if rma.location else "",
            "refund_plan": rma.refund_plan,
            "refund_to": rma.refund_to,
            "by": by,
            "why": why[:300],
            "expires_at": rma.expires_at.isoformat() if rma.expires_at else None,
            "lines": [{"line": line.pk, "sku": line.sku, "quantity": line.quantity} for line in desk.lines],
        },
    )


def _still_free(desk: ReturnDesk) -> None:
    """What was declined counted for nobody: its units may have come back another way meanwhile."""
    wanted = [
        Wanted(quantity=line.quantity, line=line.order_line, item=line.item, serials=tuple(line.serials))
        for line in desk.lines
    ]
    for each in goods(wanted, desk.rma.order):
        if each.left is not None and each.back + each.quantity > each.left:
            raise Refusal("already_returned", f"{each.back} of {each.left} are back or on their way back meanwhile.")


def _told(judged: Judged) -> dict[str, Any]:
    asked = judged.asked
    return {
        "kind": str(asked.kind),
        "proof": str(asked.proof),
        "units": sum(line.quantity for line in asked.lines),
        "value": str(judged.worth),
        "currency": judged.currency,
        "verdict": judged.whole.verdict,
        "rule": judged.whole.rule,
        "refund_plan": judged.plan,
        "refund_to": judged.agreed.to,
        "reasons": sorted({str(line.reason) for line in asked.lines}),
    }


def explained(judged: Judged) -> dict[str, Any]:
    """What is kept of a decision, so that "why" can be answered for ever."""
    route = judged.route
    return {
        "policy": {"code": judged.policy.code, "name": judged.policy.name, "version": judged.policy.number},
        "rule": {"code": judged.whole.rule, "name": judged.whole.name, "why": judged.whole.why},
        "lines": [
            {"verdict": a.verdict, "rule": a.rule, "name": a.name, "why": a.why,
             "weighed": [{"code": w.code, "name": w.name, "verdict": w.verdict, "why": w.why} for w in a.weighed]}
            for a in judged.answers
        ],
        "terms": {"rule": judged.agreed.rule, "why": judged.agreed.why},
        "standing": {"standing": judged.stands.standing, "why": judged.stands.why},
        "route": {
            "why": route.why,
            "rule": route.rule,
            "keep_it": route.keep_it,
            "currency": judged.policy.policy.routing.currency,
            "places": [
                {"code": c.node.code, "name": c.node.name, "worth": str(c.worth), "resale": str(c.resale),
                 "weeks": str(c.weeks), "way_back": str(c.way_back), "excluded": c.excluded}
                for c in route.choices[:20]
            ],
        },
    }  # fmt: skip


def due(now: datetime | None = None, *, most: int = 500) -> list[int]:
    """Ids of the returns whose time is over."""
    rows = ReturnRequest.objects.filter(status=ReturnStatus.OPEN, expires_at__lte=now or timezone.now())
    return list(rows.order_by("expires_at").values_list("pk", flat=True)[:most])
