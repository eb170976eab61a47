"""A return as it is filled in on a screen: lines of an order, or articles by their codes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from core import amounts, typed
from core.errors import Invalid, Problem
from orders.models import Order, OrderLine
from returns.models import Condition, RefundTo, ReturnReason
from returns.services import weighing
from returns.services.asking import AskedLine

REASONS = [("", "Why?"), *((r.value, r.label) for r in ReturnReason if r != ReturnReason.UNKNOWN)]
CONDITIONS = [("", "Not said"), *Condition.choices]
WAYS = RefundTo.choices
_UNITS = re.compile(r"[0-9]{1,6}")


def uid(request: HttpRequest) -> UUID | None:
    """The form's own key: sent twice, it is one return."""
    try:
        return UUID(request.POST.get("uid", ""))
    except ValueError:
        return None


def amount(request: HttpRequest, name: str, what: str, currency: str) -> Decimal | None:
    """A plain amount, or None where nothing was typed; Invalid (422) naming `what` for anything else."""
    found, problems = amounts.read(typed.words(request, name, 40), currency, field=name, name=what, zero=True)
    if problems:
        raise Invalid(problems, status=422)
    return found


def lines(request: HttpRequest, keys: Iterable[str]) -> tuple[AskedLine, ...]:
    """The lines with units. A key is an order line's id, or an article's SKU; units stand under `n-<key>`."""
    found, problems = [], []
    for key in keys:
        units = typed.words(request, f"n-{key}", 8)
        if units in {"", "0"}:
            continue
        if not _UNITS.fullmatch(units):
            problems.append(Problem(f"n-{key}", "number", "A whole number."))
            continue
        codes = tuple(dict.fromkeys(re.split(r"[\s,;]+", typed.words(request, f"serials-{key}", 4000))))
        found.append(
            AskedLine(
                quantity=int(units),
                line=key if key.isdecimal() and request.POST.get("order") else "",
                sku="" if key.isdecimal() and request.POST.get("order") else key,
                reason=typed.words(request, f"why-{key}", 20) or ReturnReason.UNKNOWN,
                reason_text=typed.words(request, f"words-{key}", 1000),
                condition=typed.words(request, f"state-{key}", 20),
                serials=tuple(code for code in codes if code),
            )
        )
    if problems:
        raise Invalid(problems, status=422)
    if not found:
        raise Invalid([Problem("", "too_few", "How many units come back? Say it on at least one line.")], status=422)
    return tuple(found)


def returnable(order: Order) -> list[dict[str, Any]]:
    """The order's lines as a form shows them: what left, what is back or on its way, what can still come back."""
    rows = list(OrderLine.objects.filter(order=order, fulfilled__gt=0).select_related("item").order_by("position"))
    known = weighing.look_up([row.pk for row in rows])
    return [
        {
            "row": row,
            "key": str(row.pk),
            "free": max(row.fulfilled - known.back.get(row.pk, 0), 0),
            "back": known.back.get(row.pk, 0),
            "price": weighing.unit_value(row, order),
            "serial": row.item is not None and row.item.tracking == "SERIAL",
        }
        for row in rows
    ]
