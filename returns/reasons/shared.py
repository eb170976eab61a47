"""What reasons about returns share: which return, what it is worth, what it touches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime

from core.subjects import Subject
from exceptions.reasons import Cell, Context, Impact, Opening
from returns.models import ReturnLine, ReturnRequest

SWEPT, SHOWN = 2_000, 30


def rma_of(uid: str) -> ReturnRequest | None:
    """The return a case is about, with its order and place; None once it is gone."""
    return ReturnRequest.objects.select_related("order", "location", "channel").filter(pk=uid).first()


def lines_of(uid: str) -> list[ReturnLine]:
    return list(ReturnLine.objects.select_related("item").filter(request_id=uid).order_by("position"))


def context(uid: str) -> Context | None:
    """The panel beside the case: whose return it is, where it is, and how its money is to go back."""
    rma = rma_of(uid)
    if rma is None:
        return None
    related = [Cell(rma.order.number, Subject("order", str(rma.order_id), rma.order.number))] if rma.order else []
    return Context(
        title=f"Return {rma.number}",
        subject=rma.subject,
        facts=(
            ("Status", rma.get_status_display()),
            ("Asked for", f"{localtime(rma.created_at):%d %b %Y %H:%M}"),
            ("Comes back to", rma.location.name if rma.location else "Nobody has said"),
            ("Refund", f"{rma.get_refund_plan_display()}, {rma.get_refund_to_display().lower()}"),
        ),
        related=related,
    )


def impact(uid: str) -> Impact | None:
    """Its units, at what the customer paid for them."""
    rma = rma_of(uid)
    if rma is None:
        return None
    lines = lines_of(uid)
    worth = sum((line.unit_value * (line.quantity - line.gone) for line in lines), Decimal(0))
    return Impact(sum(line.quantity - line.gone for line in lines), worth or None, rma.currency if worth else "")


def opening(uid: str, summary: str, **fields: Any) -> Opening | None:
    """How a case about a return is worded where the sweeper finds it."""
    rma = rma_of(uid)
    if rma is None:
        return None
    return Opening(label=rma.number, summary=summary, site_id=rma.location.site_id if rma.location else None, **fields)


def item_cell(line: ReturnLine) -> Cell:
    subject = Subject("item", str(line.item_id), line.sku) if line.item_id else None
    return Cell(line.sku or line.title, subject, code=True)
