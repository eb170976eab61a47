"""Money held on a customer's payment for what leaves before their goods are back: asked for, standing, let go of.

An exchange only ever touches holds it asked for itself: the first order may have others, for what of it has not left.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from core.actors import Actor
from orders.models import UNDER_WAY, InstructionKind, InstructionStatus, Payment, PaymentInstruction
from orders.services import instructions
from returns.models import Exchange

ZERO = Decimal(0)


def cause(made: Exchange, what: str) -> str:
    """The name under which the exchange asks for something of the first order's payment, once."""
    return f"exchange:{made.pk}:{what}"


def asked(made: Exchange) -> QuerySet[PaymentInstruction]:
    """Every hold it asked for, the latest last."""
    rows = PaymentInstruction.objects.filter(order=made.request.order_id, kind=InstructionKind.AUTHORISE)
    return rows.filter(cause__startswith=cause(made, "hold")).order_by("pk")


def want(made: Exchange, amount: Decimal, *, actor: Actor) -> PaymentInstruction:
    """Hold so much, unless that is under way. Locks the first order. What `instructions.authorise` refuses."""
    known = asked(made)
    going = known.filter(status__in=UNDER_WAY).first()
    if going is not None:
        return going
    tries = known.count()
    name = "hold" if not tries else f"hold:{tries + 1}"
    assert made.request.order_id is not None  # noqa: S101  (an exchange has one)
    return instructions.authorise(
        made.request.order_id, amount, cause=cause(made, name), why=f"{made.request} is replaced before it is back",
        actor=actor,
    )  # fmt: skip


def standing(made: Exchange) -> list[tuple[Payment, Decimal, datetime]]:
    """Its holds that stand: each with what of it can be taken, and until when."""
    refs = set(asked(made).filter(status=InstructionStatus.DONE).values_list("provider_ref", flat=True))
    order = made.request.order
    assert order is not None  # noqa: S101
    return [
        (payment, left, instructions.expiring_at(payment, instructions.route(order, payment.gateway)))
        for payment, left in instructions.held(order.pk)
        if payment.provider_ref in refs
    ]


def room(made: Exchange, now: datetime) -> Decimal:
    """What can be taken of its holds now."""
    return sum((left for _, left, ends in standing(made) if ends > now), ZERO)


def refs(made: Exchange) -> frozenset[str]:
    return frozenset(payment.provider_ref for payment, _, _ in standing(made))


def let_go(made: Exchange, *, why: str, but: str = "", actor: Actor) -> None:
    """Void its holds, or all of them `but` one."""
    gone = refs(made) - {but}
    if gone and made.request.order_id is not None:
        name = f"void:{len(asked(made))}" if but else "void"
        instructions.void(made.request.order_id, cause=cause(made, name), why=why, only=gone, actor=actor)
