"""What the API says about orders. Version 1 only ever gains fields."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet

from orders.models import FulfilmentLine, FulfilmentOrder, Hold, HoldStatus, Order
from orders.paid import Standing
from orders.services import standing


def with_details(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Everything `detail` reads, in a constant number of queries."""
    shares = FulfilmentLine.objects.filter(quantity__gt=0).select_related("order_line").order_by("pk")
    work = FulfilmentOrder.objects.select_related("location", "shipment").order_by("sequence")
    return orders.select_related("channel").prefetch_related(
        "lines__item",
        "payments",
        Prefetch("holds", Hold.objects.filter(status=HoldStatus.CREATED).order_by("pk"), to_attr="standing"),
        Prefetch("fulfilments", work.prefetch_related(Prefetch("lines", shares)), to_attr="works"),
    )


def summary(order: Order, stands: Standing | None) -> dict[str, Any]:
    """`payment_state` is the channel's word; `payment` what the order's own money events come to, where it has any."""
    return {
        "number": order.number,
        "channel": order.channel.code,
        "channel_ref": order.channel_ref,
        "channel_number": order.channel_number,
        "status": order.status,
        "payment_state": order.payment_state,
        "payment": _money(stands) if stands else None,
        "method": order.method,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "currency": order.currency,
        "total": order.total,
        "test": order.test,
        "version": order.version,
        "promise_by": order.promise_by,
        "account": order.account_code or None,
        "po_number": order.po_number or None,
        "language": order.language or None,
    }


def detail(order: Any) -> dict[str, Any]:
    """One order from `with_details`."""
    return {
        **summary(order, standing.several([order.pk]).get(order.pk)),
        "source_version": order.source_version,
        "cancelled_at": order.cancelled_at,
        "cancel_reason": order.cancel_reason,
        "pickup_location_code": order.pickup_location_code or None,
        "buyer": {
            "ref": order.buyer_ref,
            "name": order.buyer_name,
            "email": order.buyer_email,
            "phone": order.buyer_phone,
        },
        "ship_to": order.ship_to,
        "bill_to": order.bill_to,
        "tax_included": order.tax_included,
        "subtotal": order.subtotal,
        "discount_total": order.discount_total,
        "shipping_total": order.shipping_total,
        "tax_total": order.tax_total,
        "other_total": order.other_total,
        "disagreements": order.disagreements,
        "payment_terms": order.payment_terms or None,
        "requested_ship_on": order.requested_ship_on,
        "note": order.note,
        "tags": order.tags,
        "lines": [_line(line) for line in sorted(order.lines.all(), key=lambda line: line.position) if line.ordered],
        "holds": [
            {"type": hold.type, "blocks": hold.blocks, "reason": hold.reason, "since": hold.created_at}
            for hold in order.standing
        ],
        "fulfilments": [_work(work) for work in order.works],
        "payments": [
            {"ref": p.provider_ref, "kind": p.kind, "amount": p.amount, "currency": p.currency, "at": p.at}
            for p in sorted(order.payments.all(), key=lambda p: p.pk)
        ],
    }


def hold(hold: Hold) -> dict[str, Any]:
    return {
        "type": hold.type,
        "status": hold.status,
        "blocks": hold.blocks,
        "reason": hold.reason,
        "evidence": hold.evidence,
        "since": hold.created_at,
        "due_at": hold.due_at,
        "by": hold.created_by,
        "ended_at": hold.resolved_at,
        "ended_by": hold.resolved_by,
        "note": hold.note,
    }


def _line(line: Any) -> dict[str, Any]:
    return {
        "ref": line.ref,
        "sku": line.sku,
        "item": line.item.sku if line.item else None,
        "title": line.title,
        "unit_price": line.unit_price,
        "discount_total": line.discount_total,
        "tax_total": line.tax_total,
        "requires_shipping": line.requires_shipping,
        "ordered": line.ordered,
        "open": line.open,
        "allocated": line.allocated,
        "backordered": line.backordered,
        "fulfilled": line.fulfilled,
        "cancelled": line.cancelled,
        "returned": line.returned,
    }


def _money(stands: Standing) -> dict[str, Any]:
    return {"state": stands.code, **{name: getattr(stands, name) for name in ("captured", "refunded", "held")}}


def _work(work: Any) -> dict[str, Any]:
    sent = getattr(work, "shipment", None)
    return {
        "number": work.number,
        "location": work.location.code,
        "method": work.method,
        "status": work.status,
        "due_at": work.due_at,
        "shipped_at": work.shipped_at,
        "lines": [
            {"ref": share.order_line.ref, "quantity": share.quantity, "picked": share.picked}
            for share in work.lines.all()
        ],
        "shipment": {
            "carrier": sent.carrier,
            "service": sent.service,
            "tracking_number": sent.tracking_number,
            "tracking_url": sent.tracking_url,
        }
        if sent
        else None,
    }
