"""Refunds that don't wait for the goods."""

from __future__ import annotations

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from returns import events as facts
from returns.models import RefundPlan, RefundTo, ReturnRequest
from returns.services import lifecycle, refunds
from returns.services.refunds import Line

EARLY = frozenset({RefundPlan.INSTANT, RefundPlan.KEEP_IT})


def at_once(rma: ReturnRequest, *, actor: Actor) -> None:
    """Where the plan says so the refund is decided with the approval, in its transaction and once by its cause.

    Money that can't go at once (nothing was captured yet) goes when the goods were inspected, and the return says so;
    what the customer keeps has no such second chance: Refusal, and nothing is approved.
    """
    if rma.approved_at is None or rma.refund_plan not in EARLY or rma.refund_to == RefundTo.EXCHANGE:
        return
    lines = [Line(line.pk, line.quantity - line.gone) for line in rma.lines.order_by("position")]
    keeps = rma.refund_plan == RefundPlan.KEEP_IT
    why = "The customer keeps it" if keeps else "Refunded before it came back"
    try:
        with transaction.atomic():
            refunds.decide(rma.pk, lines, cause=f"return:{rma.pk}:at-once", actor=actor, why=why)
    except Refusal as no:
        if keeps:
            raise
        desk = lifecycle.open_return(rma.pk, actor=actor)
        desk.rma.refund_plan = RefundPlan.ON_RECEIPT
        desk.note(
            facts.CHANGED,
            {
                "changes": [{"field": "refund_plan", "before": "INSTANT", "after": "ON_RECEIPT"}],
                "why": no.message[:300],
            },
        )
        lifecycle.save(desk, fields=["refund_plan"])
        rma.refresh_from_db()
