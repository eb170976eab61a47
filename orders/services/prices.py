"""The price list that orders are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Q

from core.actors import Actor
from core.errors import Invalid, Problem
from orders import canonical
from orders.models import Channel, PriceListEntry

MOST = 5_000
_LIMIT = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class Price:
    sku: str
    price: Decimal
    tolerance: Decimal = Decimal(0)  # percent


def read(text: str, *, separator: str = ",") -> list[Price]:
    """Prices a line each: SKU, price, and percent that still pass. Invalid names every line that is none."""
    found: list[Price] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    lines = [line for line in text.replace("\0", "").splitlines() if line.strip()]
    if not 1 <= len(lines) <= MOST:
        raise Invalid([Problem("prices", "range", f"Between 1 and {MOST} lines.")], status=422)
    for number, line in enumerate(lines, start=1):
        parts = [part.strip() for part in line.split(separator)]
        sku = canonical.sku_text(parts[0])
        price, tolerance = (_decimal(part) for part in (*parts[1:3], "0", "0")[:2])
        if not sku or len(parts) not in {2, 3} or price is None or tolerance is None or tolerance > 100:
            problems.append(Problem("prices", "line", f"Line {number} is no SKU, price and percentage."))
        elif sku in seen:
            problems.append(Problem("prices", "repeated", f"Line {number} prices {sku} a second time."))
        else:
            seen.add(sku)
            found.append(Price(sku[:120], price, tolerance))
    if problems:
        raise Invalid(problems[:10], status=422)
    return found


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        return None
    if value is None or not value.is_finite() or not 0 <= value < _LIMIT:
        return None
    return value if value == round(value, 4) else None


@transaction.atomic
def set_(channel: Channel, prices: Sequence[Price], *, valid_from: datetime, actor: Actor) -> int:
    """From that moment on these are the prices, until further notice; what was listed before ends there.

    Returns how many. Prices that were to begin later are left out of the list. One at a time for each channel.
    """
    Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
    listed = PriceListEntry.objects.filter(
        channel=channel, currency=channel.currency, sku__in=[each.sku for each in prices]
    )
    listed.filter(valid_from__gte=valid_from).delete()
    listed.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=valid_from)).update(valid_to=valid_from)
    PriceListEntry.objects.bulk_create(
        [
            PriceListEntry(
                channel=channel,
                sku=each.sku,
                price=each.price,
                tolerance=each.tolerance,
                currency=channel.currency,
                valid_from=valid_from,
                updated_by=actor.label[:200],
            )
            for each in prices
        ]
    )
    return len(prices)
