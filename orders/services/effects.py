"""What a change does to an order, as the difference of two looks at its desk: stock, money and promise."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from pydantic_core import to_json

from inventory.models import Location
from orders import currencies, due, quantities
from orders.models import FulfilmentLine, OrderLine, PaymentState
from orders.services.desk import Desk

_ZERO = Decimal(0)
_TAKEN = frozenset({PaymentState.PAID, PaymentState.PARTIALLY_PAID, PaymentState.PARTIALLY_REFUNDED})
Place = tuple[int, int]  # (order line, location)


@dataclass(frozen=True, slots=True)
class Look:
    """How an order stands at one moment."""

    held: Counter[Place]
    works: dict[Place, set[str]]
    wanted: dict[int, int]  # order line -> units that have left or are to be delivered
    worth: Decimal
    estimated: bool
    promise_by: datetime | None
    ready_by: datetime | None
    holds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference. `money.difference` below zero goes back to the buyer, above it is still to be had."""

    stock: list[dict[str, Any]]
    short: list[dict[str, Any]]
    money: dict[str, Any]
    promise: dict[str, Any]
    holds: dict[str, list[str]]

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("stock", "short", "money", "promise", "holds")}

    @property
    def token(self) -> str:
        """The same exactly while the change would still do the same; moments aside."""
        told = {"stock": self.stock, "short": self.short, "money": self.money, "holds": self.holds}
        return hashlib.sha256(to_json(told)).hexdigest()[:24]


def look(desk: Desk) -> Look:
    """One query at most: the time zones of places that haven't got their work yet."""
    promises = [promise for promise in [*desk.promises, *desk.new_promises] if promise.quantity]
    held: Counter[Place] = Counter()
    works: dict[Place, set[str]] = {}
    for promise in promises:
        place = (promise.order_line_id, promise.location_id)
        held[place] += promise.quantity
        if promise.fulfilment is not None:
            works.setdefault(place, set()).add(promise.fulfilment.number)
    worth, estimated = _worth(desk)
    return Look(
        held=held,
        works=works,
        wanted={line.pk: line.fulfilled + quantities.to_deliver(line) for line in desk.lines},
        worth=worth,
        estimated=estimated,
        promise_by=desk.order.promise_by,
        ready_by=_ready_by(desk, promises),
        holds=frozenset(str(hold.type) for hold in desk.holds),
    )


def difference(desk: Desk, before: Look, after: Look) -> Effect:
    """What lies between the two, in words and figures a person decides by. One query where stock moves."""
    lines = {line.pk: line for line in desk.lines}
    moved = sorted(place for place in before.held.keys() | after.held.keys() if before.held[place] != after.held[place])
    places = {place.pk: place for place in Location.objects.filter(pk__in={place for _, place in moved})}
    stock = [
        {
            "line": lines[line_id].ref, "sku": lines[line_id].sku, "title": lines[line_id].title,
            "location": places[place].code, "place": places[place].name, "before": before.held[line_id, place],
            "after": after.held[line_id, place], "work": sorted(before.works.get((line_id, place), ())),
        }
        for line_id, place in moved
    ]  # fmt: skip
    short = [
        {"line": line.ref, "sku": line.sku, "title": line.title, "units": line.open}
        for line in desk.lines
        if line.open and quantities.is_physical(line)
    ]
    return Effect(
        stock=stock,
        short=short,
        money=_money(desk, before, after),
        promise={
            "promise_by": _iso(after.promise_by),
            "ready_by_before": _iso(before.ready_by),
            "ready_by": _iso(after.ready_by),
            "late": bool(after.promise_by and after.ready_by and after.ready_by > after.promise_by),
            "waits": bool(short),
        },
        holds={
            "raised": sorted(after.holds - before.holds),
            "ended": sorted(before.holds - after.holds),
        },
    )


def _money(desk: Desk, before: Look, after: Look) -> dict[str, Any]:
    currency = desk.order.currency
    was, is_ = (currencies.rounded(each.worth, currency) for each in (before, after))
    gap = is_ - was
    taken = desk.order.payment_state in _TAKEN
    if not gap:
        next_ = "none"
    elif gap < 0:
        next_ = "refund" if taken else "take_less"
    else:
        next_ = "collect" if taken else "take_more"
    return {
        "currency": currency,
        "before": str(was),
        "after": str(is_),
        "difference": str(gap),
        "next": next_,
        "estimated": after.estimated or before.estimated,
    }


def _worth(desk: Desk) -> tuple[Decimal, bool]:
    """What the units wanted cost with their discounts and taxes, and shipping while anything is wanted; and whether a
    share had to be guessed, because the source states discounts or taxes for the order only."""
    order = desk.order
    goods = sum((line.unit_price * line.source_quantity for line in desk.lines), _ZERO)
    loose_discount = order.discount_total - sum((line.discount_total for line in desk.lines), _ZERO)
    loose_tax = order.tax_total - sum((line.tax_total for line in desk.lines), _ZERO)
    off = max(_ZERO, loose_discount) / goods if goods else _ZERO
    tax = max(_ZERO, loose_tax) / goods if goods and not order.tax_included else _ZERO
    worth, wanted_any = _ZERO, False
    for line in desk.lines:
        wanted = line.fulfilled + quantities.to_deliver(line)
        wanted_any = wanted_any or bool(wanted)
        worth += wanted * _each(line, off, tax, included=order.tax_included)
    if wanted_any:
        worth += order.shipping_total + order.other_total
    return worth, bool(off or tax) or any(line.replaces_id or line.agreed_basis == 0 for line in desk.lines)


def _each(line: OrderLine, off: Decimal, tax: Decimal, *, included: bool) -> Decimal:
    """One unit with its share of discounts and taxes."""
    basis = max(line.source_quantity, line.agreed_units or 0, 1)
    price = line.unit_price - Decimal(line.discount_total) / basis
    if not included:
        price += Decimal(line.tax_total) / basis
    return price + line.unit_price * (tax - off)


def _ready_by(desk: Desk, promises: list[FulfilmentLine]) -> datetime | None:
    """When the last of the places asked should be done."""
    moments = [promise.fulfilment.due_at for promise in promises if promise.fulfilment is not None]
    fresh = {promise.location_id for promise in promises if promise.fulfilment is None}
    if fresh:
        zones = Location.objects.filter(pk__in=fresh).values_list("time_zone", flat=True)
        now = timezone.now()
        moments += [due.due_at(now, method=desk.order.method, time_zone=zone) for zone in zones]
    return max(moments, default=None)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
