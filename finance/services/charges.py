"""The money ledger, written from the orders: for every slot what is missing is added, so that it always adds up."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from finance import ledger
from finance.documents import LineFigures, OrderFigures
from finance.ledger import Due, Facts, Named, Paid, Refunded, RefundedLine
from finance.models import Charge, Entity, OrderMoney, Side
from finance.services import entities, strays
from orders.models import InstructionKind, Order, OrderLine, Payment, PaymentInstruction, Refund

ZERO = Decimal(0)


@transaction.atomic
def keep(order_id: int) -> int:
    """Bring the order's ledger to what is known of the order by now; returns how many rows were added. Safe to repeat.

    Locks the order, so that of two at once the second finds nothing to add. What belongs to a locked period is booked
    on the first open day after it, with a note.
    """
    order = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(pk=order_id)
    return follow(order)


def follow(order: Order) -> int:
    """The same for whoever holds the order's lock already."""
    if order.test:
        return 0
    lines = list(order.lines.select_related("item").order_by("position"))
    payments = list(Payment.objects.filter(order=order).order_by("at", "pk"))
    facts = facts_of(order, lines, payments)
    due = ledger.reckon(facts)
    added = _missing(order, entities.of(order), {line.ref: line.pk for line in lines}, due)
    Charge.objects.bulk_create(added)
    _sum_up(order, facts, due)
    strays.tell(order, payments)
    return len(added)


def _kept_back(order: Order) -> Decimal:
    rows = Charge.objects.filter(order=order, side=Side.PROVIDER, currency=order.currency)
    return -(rows.aggregate(sum=Sum("amount"))["sum"] or ZERO)


# --- What is known -------------------------------------------------------------------------------------------------


def figures_of(order: Order, lines: Iterable[OrderLine]) -> OrderFigures:
    """The order's money as documents and the ledger read it."""
    lines = list(lines)
    # The channel's total is of what the channel knows: it says nothing about units that were added here.
    added_here = any(line.agreed_units is not None and line.ordered > line.source_quantity for line in lines)
    return OrderFigures(
        currency=order.currency,
        tax_included=order.tax_included,
        discount=order.discount_total,
        shipping=order.shipping_total,
        tax=order.tax_total,
        other=order.other_total,
        total=None if added_here else order.total,
        lines=tuple(
            LineFigures(
                ref=line.ref,
                sku=line.item.sku if line.item else line.sku,
                title=line.title,
                ordered=line.ordered,
                fulfilled=line.fulfilled,
                unit_price=line.unit_price,
                discount=line.discount_total,
                tax=line.tax_total,
                gift_card=line.gift_card,
            )
            for line in lines
        ),
    )


def facts_of(order: Order, lines: Iterable[OrderLine], payments: Iterable[Payment]) -> Facts:
    lines = list(lines)
    figures = figures_of(order, lines)
    said: dict[str, Any] = order.figures or {}
    stated = said.get("presentment")
    refunds = list(Refund.objects.filter(order=order, currency=order.currency))
    fees = _fees(order) if refunds else {}
    return Facts(
        figures=figures,
        kept={line.ref: line.ordered - line.cancelled for line in lines},
        placed_at=order.placed_at,
        refunds=tuple(_refunded(row, fees.get(row.ref, ZERO)) for row in refunds),
        payments=tuple(_counted(order, payments)),
        discounts=tuple(Named(**{**each, "amount": Decimal(each["amount"])}) for each in said.get("discounts", ())),
        marketplace_tax={ref: Decimal(tax) for ref, tax in said.get("marketplace_tax", {}).items()},
        presentment=ledger.converted(figures, stated) if stated else None,
    )


def _counted(order: Order, payments: Iterable[Payment]) -> Iterable[Paid]:
    """In the shop's currency; what a provider states in the buyer's is converted at the order's rate.

    What is in neither has no rate to be counted at: it is left out, and a case (strays.py).
    """
    stated = (order.figures or {}).get("presentment") or {}
    total = Decimal(stated["total"]) if stated.get("total") else ZERO
    for row in payments:
        if row.currency == order.currency:
            yield Paid(row.provider_ref, row.kind, row.amount, row.at)
        elif row.currency == stated.get("currency") and total and order.total:
            amount = ledger.rounded(row.amount * order.total / total, order.currency)
            yield Paid(row.provider_ref, row.kind, amount, row.at)


def _refunded(row: Refund, fees: Decimal) -> Refunded:
    return Refunded(
        row.ref, row.at, row.amount, row.shipping_amount,
        tuple(
            RefundedLine(
                each["line_ref"], each["quantity"], each["restock"], _decimal(each["amount"]), _decimal(each["tax"])
            )
            for each in row.lines
        ),
        fees,
    )  # fmt: skip


def _fees(order: Order) -> dict[str, Decimal]:
    """What was kept back of refunds decided here, by the refund's ref."""
    rows = PaymentInstruction.objects.filter(order=order, kind=InstructionKind.REFUND, document__has_key="fees")
    return {
        row.refund_ref or str(row.document.get("ref") or row.cause)[:120]: Decimal(row.document["fees"]) for row in rows
    }


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


# --- What is missing -----------------------------------------------------------------------------------------------


def _missing(order: Order, entity: Entity, lines: dict[str, int], due: list[Due]) -> list[Charge]:
    """A row for every slot the ledger doesn't have yet as it should be."""
    booked: dict[str, tuple[Decimal, Decimal, int, Charge]] = {}
    for row in Charge.objects.of_the_buyer().filter(order=order).order_by("pk"):
        slot = row.key.rpartition("#")[0]
        amount, presentment, count, _ = booked.get(slot, (ZERO, ZERO, 0, row))
        booked[slot] = (amount + row.amount, presentment + row.presentment_amount, count + 1, row)
    made = []
    for each in due:
        slot = _key(each.slot, lines)
        amount, presentment, count, last = booked.pop(slot, (ZERO, ZERO, 0, None))
        if last is not None and last.currency != order.currency:
            made.append(_taken_back(order, entity, slot, count, amount, presentment, last))
            amount, presentment, count = ZERO, ZERO, count + 1
        if each.amount != amount or each.presentment != presentment:
            missing = (each.amount - amount, each.presentment - presentment)
            made.append(_charge(order, entity, lines, each, slot, count, *missing))
    for slot, (amount, presentment, count, last) in booked.items():
        if amount or presentment:
            made.append(_taken_back(order, entity, slot, count, amount, presentment, last))
    return made


def _key(slot: str, lines: dict[str, int]) -> str:
    """Line refs are long and a line may get another one: the ledger names lines by their keys."""
    head, colon, rest = slot.partition(":")
    if head in {"refund", "uncut"}:
        refund, _, part = rest.partition(":")
        return f"{head}:{refund}:{lines.get(part, part)}"[:150]
    part, colon2, name = rest.partition(":")
    return f"{head}{colon}{lines.get(part, part)}{colon2}{name}"[:150]


def _charge(
    order: Order, entity: Entity, lines: dict[str, int], due: Due, slot: str, count: int, amount: Decimal,
    presentment: Decimal,
) -> Charge:  # fmt: skip
    at = (due.at or order.placed_at) if not count else timezone.now()
    day = entities.booked(entity, entities.local_day(entity, at))
    seen = (order.figures or {}).get("presentment") or {}
    currency = seen.get("currency") or order.currency
    return Charge(
        order=order, entity=entity, line_id=lines.get(due.line), kind=due.kind, amount=amount,
        currency=order.currency, presentment_amount=presentment, presentment_currency=currency,
        rate=_rate(amount, presentment) if currency != order.currency else None, tax_included=due.tax_included,
        collected_by=due.collected_by, funded_by=due.funded_by, provider_ref=due.provider_ref[:120],
        refund_ref=due.refund_ref[:120], label=due.label[:120], occurred_at=at, booked_on=day.on,
        late_from=day.late_from, key=f"{slot}#{count}", note=day.note,
    )  # fmt: skip


def _taken_back(
    order: Order, entity: Entity, slot: str, count: int, amount: Decimal, presentment: Decimal, last: Charge
) -> Charge:
    """Something the order doesn't say any more."""
    now = timezone.now()
    day = entities.booked(entity, entities.local_day(entity, now))
    return Charge(
        order=order, entity=entity, line_id=last.line_id, kind=last.kind, amount=-amount, currency=last.currency,
        presentment_amount=-presentment, presentment_currency=last.presentment_currency, rate=last.rate,
        tax_included=last.tax_included, collected_by=last.collected_by, funded_by=last.funded_by,
        provider_ref=last.provider_ref, refund_ref=last.refund_ref, label=last.label, occurred_at=now,
        booked_on=day.on, late_from=day.late_from, key=f"{slot}#{count}", note=day.note,
    )  # fmt: skip


def _rate(amount: Decimal, presentment: Decimal) -> Decimal | None:
    return (presentment / amount).quantize(Decimal("1e-10")) if amount else None


def _sum_up(order: Order, facts: Facts, due: list[Due]) -> None:
    total = sum((each.amount for each in due if not each.credit), ZERO)
    credited = -sum((each.amount for each in due if each.credit), ZERO)
    cash = ledger.cash(facts.payments)
    stated = (order.figures or {}).get("presentment") or {}
    sums = {
        "currency": order.currency, "total": total, "credited": credited, "current": total - credited,
        "captured": cash.captured, "refunded": cash.refunded, "disputed": cash.disputed, "paid": cash.paid,
        "outstanding": total - credited - cash.paid,
        "presentment_currency": stated.get("currency") or order.currency,
        "presentment_current": sum((each.presentment for each in due), ZERO), "updated_at": timezone.now(),
    }  # fmt: skip
    if not OrderMoney.objects.filter(order=order, currency=order.currency).update(**sums):
        # A payout may have told of its fees before the ledger heard of the order, or of its new currency.
        OrderMoney.objects.update_or_create(order=order, defaults={**sums, "fees": _kept_back(order)})
