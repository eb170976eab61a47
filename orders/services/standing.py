"""An order's payment as its page shows it: how it stands, what is held and until when, what is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exceptions.models import ApprovalRequest
from orders import paid
from orders.models import UNDER_WAY, InstructionStatus, Order, OrderLine, Payment, PaymentInstruction, PaymentNotice
from orders.services import agreeing, by_hand, falling, instructions

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Held:
    """One authorisation: what of it can still be captured, until when, and who would do it."""

    payment: Payment
    left: Decimal
    ends_at: datetime
    warn_hours: int
    by: str
    captures_itself: bool  # what leaves is captured without anybody's word


@dataclass(frozen=True, slots=True)
class Money:
    """`state` is None where the channel's word is all there is; `worth` None where no total was stated."""

    state: paid.Standing | None
    worth: Decimal | None
    held: tuple[Held, ...]
    going: tuple[PaymentInstruction, ...]
    notices: tuple[PaymentNotice, ...]
    asked: ApprovalRequest | None


def of(order: Order, lines: Sequence[OrderLine], payments: Sequence[Payment]) -> Money:
    held = _held(order) if any(each.kind == "authorised" for each in payments) else ()
    worth = falling.kept_worth(order, lines)
    left = sum((each.left for each in held), Decimal(0))
    rows = PaymentInstruction.objects.filter(order=order, status__in=[*UNDER_WAY, InstructionStatus.FAILED])
    return Money(
        state=paid.standing(payments, order.currency, worth, left), worth=worth, held=held,
        going=tuple(rows.order_by("-pk")[:SHOWN]) if payments else (),
        notices=tuple(PaymentNotice.objects.filter(order=order).order_by("-said_at")[:SHOWN]) if payments else (),
        asked=agreeing.waiting(by_hand.MOVE, "order", str(order.pk)) if held else None,
    )  # fmt: skip


def several(ids: Sequence[int]) -> dict[int, paid.Standing]:
    """How the payments of these orders stand, as each one's page says it; those without a money event are left out.

    A number of queries that doesn't depend on how many orders they are.
    """
    payments = list(Payment.objects.filter(order__in=ids).order_by("at", "pk"))
    by_order: dict[int, list[Payment]] = {}
    for each in payments:
        by_order.setdefault(each.order_id, []).append(each)
    held = instructions.held_of(payments)
    found: dict[int, paid.Standing] = {}
    for order in Order.objects.filter(pk__in=by_order).prefetch_related("lines"):
        left = sum((left for _, left in held.get(order.pk, ())), Decimal(0))
        worth = falling.kept_worth(order, list(order.lines.all()))
        if stands := paid.standing(by_order[order.pk], order.currency, worth, left):
            found[order.pk] = stands
    return found


def _held(order: Order) -> tuple[Held, ...]:
    found = []
    for payment, left in instructions.held(order.pk):
        way = instructions.route(order, payment.gateway)
        ends = instructions.expiring_at(payment, way)
        by = f"{way.get_via_display()} ({way.connection})" if way.connection else way.get_via_display()
        found.append(Held(payment, left, ends, way.warn_hours, by, way.capture_on_ship))
    return tuple(sorted(found, key=lambda each: each.ends_at))
