"""Who was told of an order and its changes: channel, ERP and customer, each with when and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
from core.models import Delivery, EventObject
from core.models.events import DeliveryStatus
from orders import events as facts
from orders.message_words import TELLABLE
from orders.models import ChangeStatus, CustomerMessage, FulfilmentOrder, Order, OrderChange, Told

SHOWN = 6
TELLS_SHIPMENTS = "channels.tell_shipment"  # as config/wiring.py names it
_CHANGES = {Told.TOLD: "ok", Told.BY_HAND: "ok", Told.WAITING: "info", Told.CANNOT: "warn"}
_DELIVERIES = {
    DeliveryStatus.DELIVERED: ("ok", "Told"),
    DeliveryStatus.PENDING: ("info", "On its way"),
    DeliveryStatus.DEAD: ("crit", "Could not be told"),
    DeliveryStatus.DISCARDED: ("hold", "Given up by a person"),
    DeliveryStatus.SUPERSEDED: ("hold", "Said by a later one"),
}
_MESSAGES = {"SENT": "ok", "QUEUED": "info", "FAILED": "crit", "NOT_SENT": "hold"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing somebody was told, or not."""

    about: str
    state: str
    tone: str
    at: datetime | None
    words: str = ""


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/told: a panel of the order's page. The ERP's rows load by URL from above."""
    rows = Order.objects.for_user(request.user).select_related("channel")
    order = get_object_or_404(rows, number=number)
    context: dict[str, Any] = {
        "order": order,
        "channel": sorted([*_changes(order), *_shipments(order)], key=_latest, reverse=True)[:SHOWN],
        "customer": _customer(order),
    }
    return htmx.part(request, "orders/_order_told.html", context)


def _latest(row: Row) -> tuple[bool, datetime | None]:
    """What nobody knows yet first, then the latest."""
    return (row.at is None, row.at)


def _changes(order: Order) -> list[Row]:
    made = OrderChange.objects.filter(order=order, status=ChangeStatus.CONFIRMED).order_by("-pk")[:SHOWN]
    return [
        Row(
            each.summary, each.get_channel_told_display(), _CHANGES[Told(each.channel_told)], each.channel_told_at,
            each.channel_words,
        )
        for each in made
    ]  # fmt: skip


def _shipments(order: Order) -> list[Row]:
    """What left, as the channel was told of it: the outbox knows."""
    works = FulfilmentOrder.objects.filter(order=order, shipped_at__isnull=False).order_by("-pk")[:SHOWN]
    numbers = {str(work.pk): work.number for work in works}
    if not numbers:
        return []
    touched = EventObject.objects.filter(kind="order", uid=str(order.pk)).values("event_id")
    sent = Delivery.objects.filter(handler=TELLS_SHIPMENTS, event_id__in=touched, event__type=facts.SHIPPED)
    found = sent.order_by("-pk").values_list("event__subject_uid", "status", "finished_at", "last_error")[:SHOWN]
    rows = []
    for uid, status, finished_at, error in found:
        tone, state = _DELIVERIES[DeliveryStatus(status)]
        told = status == DeliveryStatus.DELIVERED
        rows.append(Row(f"{numbers.get(uid, 'A shipment')} left", state, tone, finished_at, "" if told else error))
    return rows


def _customer(order: Order) -> list[Row]:
    titles = {told.event: told.title for told in TELLABLE.values()}
    told = CustomerMessage.objects.filter(order=order).order_by("-pk")[:SHOWN]
    return [
        Row(
            f"{titles.get(each.event, each.event)}, {each.get_medium_display().lower()}", each.get_status_display(),
            _MESSAGES[each.status], each.sent_at or each.created_at, each.why,
        )
        for each in told
    ]  # fmt: skip
