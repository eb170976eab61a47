"""What cases about stock touch: units, and what those units cost us where that is known."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.db.models import Sum

from exceptions.reasons import Impact
from inventory.models import CountLine, Item, Publication, Reservation, StockDifference, Transfer
from inventory.stock_cases import stock_of

FIGURES = 1_000  # of a channel, the longest waiting; beyond that it weighs the most anyway


def of_stock(units: Callable[[str], int]) -> Callable[[str], Impact | None]:
    """So many units of the article the stock row is about."""

    def impact(uid: str) -> Impact | None:
        stock = stock_of(uid)
        return of_item(stock.item, units(uid)) if stock else None

    return impact


def of_item(item: Item, units: int) -> Impact:
    if item.unit_cost is None:
        return Impact(units=units)
    return Impact(units=units, value=item.unit_cost * units, currency=item.cost_currency)


def of_difference(uid: str) -> Impact | None:
    """The widest of the differences that stand."""
    stock = stock_of(uid)
    rows = StockDifference.objects.open().filter(item=stock.item_id, location=stock.location_id) if stock else None
    row = rows.order_by("-gross").first() if rows is not None else None
    if row is None:
        return None
    return Impact(units=row.gross, value=abs(row.value) if row.value is not None else None, currency=row.currency)


def of_count(uid: str) -> Impact | None:
    """The units by which it differs from the books, whichever way."""
    lines = CountLine.objects.filter(count_id=int(uid)).exclude(difference=0).values_list("difference", flat=True)
    return Impact(units=sum(abs(each or 0) for each in lines))


def of_unsettled(uid: str) -> Impact | None:
    """The units that were counted and aren't in the books."""
    lines = CountLine.objects.unsettled().filter(count_id=int(uid)).values_list("difference", "posted")
    return Impact(units=sum(abs((difference or 0) - posted) for difference, posted in lines))


def of_transfer(uid: str) -> Impact | None:
    """The units that are on their way, by what they cost in the currency most of them cost in."""
    transfer = Transfer.objects.filter(pk=uid).first()
    if transfer is None:
        return None
    units, worth = 0, dict[str, Decimal]()
    for line in transfer.lines.select_related("item"):
        left = max(0, line.shipped - line.received)
        units += left
        if line.item.unit_cost is not None:
            currency = line.item.cost_currency
            worth[currency] = worth.get(currency, Decimal()) + line.item.unit_cost * left
    if not worth:
        return Impact(units=units)
    currency = max(worth, key=lambda each: worth[each])
    return Impact(units=units, value=worth[currency], currency=currency)


def of_feed(uid: str) -> Impact | None:
    """The units a channel offers by figures that are no longer true."""
    waiting = Publication.objects.filter(feed=int(uid), dirty_since__isnull=False).order_by("dirty_since", "id")
    levels = waiting.values_list("level", flat=True)[:FIGURES]
    return Impact(units=sum(max(0, sum(level.values())) for level in levels if level))


def of_place(uid: str) -> Impact | None:
    """The units promised there."""
    held = Reservation.objects.held().filter(location=int(uid))
    return Impact(units=held.aggregate(units=Sum("quantity"))["units"] or 0)
