"""Edits onto the desk, step by step. They were judged before (services.edit_checks); stock is moved afterwards."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from inventory.models import Item
from orders import agreed, quantities
from orders.edits import (
    AddLine,
    Cancel,
    ChangeAddress,
    ChangeMethod,
    ChangeQuantity,
    Edits,
    RemoveLine,
    Substitute,
)
from orders.models import Method, OrderLine, PriceListEntry
from orders.services import changes, edit_checks, lifecycle
from orders.services.desk import Desk
from orders.services.edit_checks import line_of, substituted, wanted


def take(desk: Desk, edits: Edits) -> None:
    refunded = lifecycle.refunded_units(desk.order.pk)
    for each in edits:
        match each:
            case ChangeAddress():
                changes.set_address(desk.order, each.address)
            case ChangeMethod():
                _reroute(desk, each)
            case AddLine():
                _add(desk, each.sku, each.quantity, each.unit_price, None)
            case Substitute():
                _substitute(desk, each, refunded)
            case ChangeQuantity():
                _want(desk, each.line, each.quantity, refunded)
            case RemoveLine():
                _want(desk, each.line, 0, refunded)
            case Cancel():
                for part in each.lines:
                    line = line_of(desk, part.line)
                    _want(desk, part.line, wanted(line) - part.quantity if line else 0, refunded)


def _want(desk: Desk, ref: str, units: int, refunded: dict[str, int]) -> None:
    """So many units of the line, all in all, on top of what the source says of it now."""
    line = line_of(desk, ref)
    if line is not None:
        line.agreed_basis = quantities.said(line, refunded.get(ref, 0))
        line.agreed_units = max(units, line.fulfilled)


def _substitute(desk: Desk, edit: Substitute, refunded: dict[str, int]) -> None:
    line = line_of(desk, edit.line)
    if line is None:
        return
    left = substituted(line, edit.quantity)
    units = wanted(line) - left
    price = line.unit_price if edit.unit_price is None else edit.unit_price
    _want(desk, edit.line, left, refunded)
    _add(desk, edit.sku, units, price, line)


def _add(desk: Desk, sku: str, units: int, price: Decimal | None, replaced: OrderLine | None) -> None:
    item = Item.objects.get(pk=edit_checks.item_of(desk, sku) or 0)
    numbers = [line.ref.removeprefix(agreed.REF) for line in desk.lines if line.ref.startswith(agreed.REF)]
    last = max((int(number) for number in numbers if number.isdigit()), default=0)
    line = OrderLine(
        order=desk.order,
        ref=f"{agreed.REF}{last + 1}",
        position=max((line.position for line in desk.lines), default=-1) + 1,
        item=item,
        sku=sku,
        title=item.name,
        ordered=0,
        unit_price=_list_price(desk, sku) if price is None else price,
        agreed_units=units,
        agreed_basis=0,
        replaces=replaced,
    )
    desk.lines += OrderLine.objects.bulk_create([line])


def _list_price(desk: Desk, sku: str) -> Decimal:
    """What the price list says today; nothing where it is silent, which the preview shows."""
    now = timezone.now()
    entry = PriceListEntry.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=now),
        channel=desk.order.channel_id,
        sku=sku,
        currency=desk.order.currency,
        valid_from__lte=now,
    ).first()
    return entry.price if entry else Decimal(0)


def _reroute(desk: Desk, edit: ChangeMethod) -> None:
    """Another way to the buyer is other work, so everything not packed is sourced anew."""
    place = edit_checks.pickup_place(edit.pickup_location_code) if edit.method == Method.PICKUP else None
    code = edit.pickup_location_code if edit.method == Method.PICKUP else ""
    changes.set_method(desk.order, edit.method, code, place)
    for promise in desk.promises:
        line = desk.line(promise.order_line_id)
        line.allocated -= promise.quantity
        line.open += promise.quantity
    lifecycle.take_back(desk, [(p, p.quantity) for p in desk.promises], reason="The buyer gets it another way")
