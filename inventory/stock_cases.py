"""What every case about a stock row (an article at a place) shares: the row, its words, its page, its count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max
from django.urls import reverse

from core.actors import Actor
from core.subjects import Subject
from exceptions.reasons import Cell, Context, Opening
from inventory.models import CountLine, CountStatus, Stock, StockMovement
from inventory.services import counts


def stock_of(uid: str) -> Stock | None:
    """The row a case is about, with its item and location; None once it is gone."""
    return Stock.objects.select_related("item", "location").filter(pk=uid).first()


def label(stock: Stock) -> str:
    """`SKU-1 @ LEEDS`"""
    return f"{stock.item.sku} @ {stock.location.code}"


def opening(stock: Stock, summary: str) -> Opening:
    return Opening(label=label(stock), summary=summary, site_id=stock.location.site_id)


def context(stock: Stock, *facts: tuple[str, str]) -> Context:
    """The panel beside the case: the article, what of it can be sold here, and what the reason adds."""
    told: Sequence[tuple[str, str]] = [("Item", stock.item.name), ("Sellable", str(stock.sellable)), *facts]
    item = Subject("item", str(stock.item_id), stock.item.sku)
    return Context(title=f"{stock.item.sku} at {stock.location.name}", subject=item, facts=told)


def cause(movement: StockMovement) -> Cell:
    """What a movement happened for, with its page."""
    words = movement.cause_label or movement.cause_uid
    return Cell(words, Subject(movement.cause_kind, movement.cause_uid, movement.cause_label))


def last_counted(stock: Stock) -> datetime | None:
    """When a count of the article at this place was last posted."""
    lines = CountLine.objects.filter(
        item_id=stock.item_id, location_id=stock.location_id, count__status=CountStatus.POSTED
    )
    found: datetime | None = lines.aggregate(last=Max("count__posted_at"))["last"]
    return found


def have_counted(uid: str, says: str, *, actor: Actor) -> str:
    """Ask for a count of it; the sentence to show, ending in what the count `says`."""
    stock = stock_of(uid)
    if stock is None:
        return "The stock is gone."
    why = Subject("stock", uid, label(stock))
    return f"Count {counts.request(stock.location_id, [stock.item_id], cause=why, actor=actor)} will say {says}."


def page(uid: str) -> str | None:
    """The article's page."""
    stock = stock_of(uid)
    return reverse("inventory:item", args=[stock.item.sku]) if stock else None
