"""Where cases about orders come from: a channel that sold by old figures, a closed place, a late transfer."""

from __future__ import annotations

from django.db.models import Q

from exceptions import origins, reasons
from inventory.models import ChannelFeed, ExpectedReceipt, LocationStatus
from orders.models import BackOrder, FulfilmentOrder, Order, OrderLine


def _feed(uid: str) -> str | None:
    """The feed of the order's channel: while it is behind, the channel sells what is gone."""
    code = Order.objects.filter(pk=uid).values_list("channel__code", flat=True).first()
    found = ChannelFeed.objects.filter(channel=code, active=True).values_list("pk", flat=True).first()
    return str(found) if found else None


def _closed_place(uid: str) -> str | None:
    """The place that should do the work, where it doesn't work."""
    rows = FulfilmentOrder.objects.filter(pk=uid).exclude(location__status=LocationStatus.ACTIVE)
    found = rows.values_list("location_id", flat=True).first()
    return str(found) if found else None


def _transfer(uid: str) -> str | None:
    """The transfer that brings what the order waits for."""
    receipts = BackOrder.objects.waiting().filter(order_line__order=int(uid)).values_list("receipt_id", flat=True)
    causes = ExpectedReceipt.objects.filter(pk__in=list(receipts), cause_kind="transfer").order_by("due_at", "pk")
    return causes.values_list("cause_uid", flat=True).first()


def _same_sku(uid: str) -> str | None:
    """The oldest order that names the same unknown article at the same channel."""
    unknown = OrderLine.objects.filter(order=int(uid), item__isnull=True).exclude(sku="")
    skus = list(unknown.values_list("sku", "order__channel"))
    alike = Q(pk__in=[])
    for sku, channel in skus[:5]:
        alike |= Q(sku=sku, order__channel=channel)
    rows = OrderLine.objects.filter(alike, item__isnull=True, order__lt=int(uid))
    found = rows.order_by("order_id").values_list("order_id", flat=True).first()
    return str(found) if found else None


def _same_account(uid: str) -> str | None:
    """The oldest order of the same unknown business."""
    order = Order.objects.filter(pk=uid, account__isnull=True).exclude(account_code="").first()
    if order is None:
        return None
    rows = Order.objects.filter(
        account__isnull=True, account_code=order.account_code, channel=order.channel_id, pk__lt=order.pk,
        status__in=("RECEIVED", "ACCEPTED"),
    )  # fmt: skip
    found = rows.order_by("pk").values_list("pk", flat=True).first()
    return str(found) if found else None


def _itself(uid: str) -> str | None:
    """The same order or work, about which another reason stands."""
    return uid


def register() -> None:
    for symptom in ("orders.unallocated", "orders.needs_care"):
        origins.register(symptom, "inventory.channel_behind", _feed)
    for symptom in (
        "orders.short_pick", "orders.parcel_left_behind", "orders.put_back_waits", "orders.label_failed",
        "orders.promise_at_risk",
    ):  # fmt: skip
        origins.register(_known(symptom), "inventory.place_closed", _closed_place)
    for symptom in ("orders.backorder_overdue", "orders.backorder_slipped"):
        origins.register(symptom, "inventory.transfer_late", _transfer)
    origins.register("orders.unknown_sku", "orders.unknown_sku", _same_sku)
    origins.register("orders.unknown_account", "orders.unknown_account", _same_account)
    origins.register("orders.parcel_returned", "orders.parcel_in_trouble", _itself)
    origins.register("orders.refund_due", "orders.cancelled_too_late", _itself)


def _known(code: str) -> str:
    """A code that is registered: a slip of the pen here must not pass unseen."""
    return reasons.get(code).code
