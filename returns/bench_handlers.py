"""What the bench does about facts. They come by event; config/wiring.py says which. Handlers are idempotent."""

from __future__ import annotations

from core.actors import SYSTEM, Actor
from core.errors import NotWanted, Refusal
from core.events import Fact
from exceptions.services import cases
from returns.models import (
    Acceptance,
    ExchangeStatus,
    Inspection,
    RefundPlan,
    RefundTo,
    ReturnLine,
    ReturnRequest,
)
from returns.services import exchanges, reading, refunds
from returns.services.refunds import Line


def read_reasons(fact: Fact) -> None:
    """`return.requested`: the customers' own words say more than the reason they ticked."""
    for line_id in ReturnLine.objects.filter(request_id=int(fact.subject.uid)).values_list("pk", flat=True):
        reading.read(line_id, actor=SYSTEM)


def decide_refund(fact: Fact) -> None:
    """`return.accepted`: the money of accepted units goes back, unless it has gone already or buys something else."""
    rma = ReturnRequest.objects.get(pk=int(fact.subject.uid))
    if rma.refund_plan != RefundPlan.ON_RECEIPT or rma.refund_to == RefundTo.EXCHANGE:
        raise NotWanted(f"{rma} is refunded {rma.get_refund_plan_display().lower()}")
    lines = [Line(int(each["line"]), int(each["quantity"])) for each in fact.data["lines"]]
    _decide(rma, lines, int(fact.data["inspection"]), fact.actor)


def refund_instead(fact: Fact) -> None:
    """`return.exchange_ended`: one that was called off leaves what was accepted to be refunded after all."""
    if fact.data.get("status") != ExchangeStatus.CANCELLED:
        return
    rma = ReturnRequest.objects.get(pk=int(fact.subject.uid))
    for seen in Inspection.objects.filter(line__request=rma, verdict=Acceptance.ACCEPTED).order_by("pk"):
        _decide(rma, [Line(seen.line_id, seen.quantity)], seen.pk, fact.actor)


def _decide(rma: ReturnRequest, lines: list[Line], inspection: int, actor: Actor) -> None:
    """Once per inspection; what can't be decided is a case, not a delivery that tries for ever."""
    try:
        refunds.decide(rma.pk, lines, cause=f"inspection:{inspection}", actor=actor)
    except Refusal as refusal:
        if refusal.status >= 500:  # busy: time heals it
            raise
        cases.open_("returns.not_refunded", rma.subject, summary=refusal.message, actor=SYSTEM)


def follow_exchange(fact: Fact) -> None:
    """`return.accepted`, `return.rejected`, `return.completed`: what was exchanged is settled, or taken back."""
    exchanges.follow(int(fact.subject.uid), actor=SYSTEM)
