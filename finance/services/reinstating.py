"""Money that a bank gave back, where a payout is the first to say so: the order's ledger hears of it from its line."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM, Actor
from finance import labels
from finance.canonical import ZERO
from finance.models import LineKind, Settlement, SettlementLine
from finance.services import candidates, following
from orders.canonical import IncomingPayment
from orders.models import Order, Payment, PaymentKind
from orders.services import payments

MOST = 500


@transaction.atomic
def keep(settlement_id: int, *, actor: Actor = SYSTEM) -> int:
    """Write down as given back what open lines say a bank gave back of an order; returns how many it was. Repeatable.

    Only what was taken from the order before and isn't back yet, and under the dispute's own reference: a provider that
    tells it too, before or afterwards, tells the same thing.
    """
    settlement = Settlement.objects.get(pk=settlement_id)
    named = [label for label, kind in labels.meanings(settlement.provider).items() if kind == LineKind.REVERSAL]
    rows = SettlementLine.objects.filter(settlement=settlement, label__in=named, kind=LineKind.REVERSAL, gross__gt=0)
    lines = list(rows.filter(matched=0, written_off=0).order_by("position")[:MOST])
    count = 0
    for line_id, order_id in candidates.orders_of(lines).items():
        line = next(line for line in lines if line.pk == line_id)
        count += _back(settlement, line, Order.objects.select_related("channel").get(pk=order_id), actor)
    return count


def _back(settlement: Settlement, line: SettlementLine, order: Order, actor: Actor) -> bool:
    moved = [
        each
        for each in Payment.objects.filter(order=order, kind__in=(PaymentKind.CHARGEBACK, PaymentKind.REINSTATED))
        if candidates.compared(settlement, line, each.currency) is not None
    ]
    taken = [each for each in moved if each.kind == PaymentKind.CHARGEBACK]
    if not taken:
        return False
    first = next((each for each in taken if each.provider_ref in candidates.refs_of(line)), taken[-1])
    amount = candidates.compared(settlement, line, first.currency) or ZERO
    out = sum((each.amount if each.kind == PaymentKind.CHARGEBACK else -each.amount for each in moved), ZERO)
    if not ZERO < amount <= out or any(each.currency != first.currency for each in moved):
        return False
    said = IncomingPayment(
        ref=line.refund_ref or first.provider_ref, kind="reinstated", amount=Decimal(amount), currency=first.currency,
        at=line.at or settlement.imported_at or timezone.now(), gateway=first.gateway, parent_ref=first.parent_ref,
    )  # fmt: skip
    done = payments.record(order.channel_ref, [said], channel=order.channel, actor=actor, source=settlement.subject)
    following.follow(order.pk, actor=actor)
    return done.outcome == "changed"
