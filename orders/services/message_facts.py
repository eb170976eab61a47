"""What a message may speak of: an order and a fact as plain words, in the channel's own time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.events import Fact
from core.formats import money
from orders.carriage import time_zone
from orders.models import FulfilmentOrder, Order, OrderLine, Package
from orders.services.sheets import sender
from orders.shipping_address import lines_of

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def gather(order: Order, fact: Fact) -> dict[str, Any]:
    """Everything in message_words.SAMPLE, of this order and this fact. At most five queries."""
    zone = time_zone(order.channel.time_zone)
    job = _job(order, fact)
    data = fact.data
    return {
        "order": {
            "number": order.number,
            "ref": order.channel_number or order.channel_ref,
            "placed": day(order.placed_at, zone),
            "total": money(order.total, order.currency) if order.total is not None else "",
            "note": order.note,
        },
        "channel": order.channel.name,
        "customer": {"name": order.buyer_name or (order.ship_to or {}).get("name") or ""},
        "lines": _lines(order, fact),
        "promise": {
            "before": _said(data.get("before"), zone),
            "after": _said(data.get("after"), zone) or (day(order.promise_by, zone) if order.promise_by else ""),
            "why": str(data.get("why") or ""),
        },
        "parcels": _parcels(job, data) if job else [],
        "place": _place(order, job),
        "reason": str(data.get("reason") or data.get("why") or ""),
        "amount": money(data["amount"], str(data.get("currency") or "")) if data.get("amount") else "",
    }


def day(moment: datetime, zone: ZoneInfo) -> str:
    here = moment.astimezone(zone)
    return f"{here.day} {MONTHS[here.month - 1]}"


def _said(text: Any, zone: ZoneInfo) -> str:
    try:
        return day(datetime.fromisoformat(str(text)), zone) if text else ""
    except ValueError:
        return ""


def _job(order: Order, fact: Fact) -> FulfilmentOrder | None:
    if fact.subject.kind != "fulfilment":
        return None
    rows = FulfilmentOrder.objects.select_related("location", "shipment")
    return rows.filter(pk=fact.subject.uid, order=order).first()


def _lines(order: Order, fact: Fact) -> list[dict[str, Any]]:
    """The lines the fact is about; of a fact about the whole order, all of them."""
    units = {int(part["line"]): int(part["quantity"]) for part in fact.data.get("lines") or () if "quantity" in part}
    rows = OrderLine.objects.filter(order=order, ordered__gt=0).order_by("position")
    return [
        {"title": row.title or row.sku, "sku": row.sku, "quantity": units.get(row.pk, row.ordered)}
        for row in rows
        if not units or row.pk in units
    ]


def _parcels(job: FulfilmentOrder, data: dict[str, Any]) -> list[dict[str, str]]:
    shipment = getattr(job, "shipment", None)
    carrier = shipment.carrier if shipment else ""
    rows = Package.objects.filter(fulfilment=job).prefetch_related("labels__service").order_by("sequence")
    if data.get("tracking_number"):
        rows = rows.filter(tracking_number=data["tracking_number"]) or rows
    made = []
    for row in rows:
        label = next((one for one in row.labels.all() if one.status == "BOUGHT"), None)
        made.append(
            {
                "carrier": label.service.carrier if label else carrier,
                "tracking": row.tracking_number,
                "link": label.tracking_url if label else (shipment.tracking_url if shipment else ""),
                "state": row.get_tracker_display(),
            }
        )
    return made


def _place(order: Order, job: FulfilmentOrder | None) -> dict[str, str]:
    location = job.location if job else order.pickup_location
    if location is None:
        return {"name": "", "address": ""}
    return {"name": location.name, "address": ", ".join(lines_of(sender(location))[1:])}
