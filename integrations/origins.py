"""What comes from an outside system that doesn't answer, and what failed for the same cause."""

from __future__ import annotations

from typing import Any

from exceptions import origins
from finance.models import Posting
from integrations import alike
from integrations.endings import REASON as MESSAGE_FAILED
from integrations.models import Connection, InboundMessage, WebhookSubscription
from inventory.models import ChannelFeed
from orders.models import FulfilmentOrder, Order, ParcelLabel, PartnerLink

DOWN = "integrations.connection_down"


def _only(rows: Any, column: str = "pk") -> str | None:
    found = rows.values_list(column, flat=True).first()
    return str(found) if found else None


def _of_feed(uid: str) -> str | None:
    channel = ChannelFeed.objects.filter(pk=uid).values_list("channel", flat=True).first()
    return _only(Connection.objects.filter(kind=Connection.Kind.CHANNEL, channel__code=channel).order_by("created_at"))


def _of_channel(uid: str) -> str | None:
    channel = Order.objects.filter(pk=uid).values_list("channel_id", flat=True).first()
    return _only(Connection.objects.filter(kind=Connection.Kind.CHANNEL, channel=channel).order_by("created_at"))


def _of_carrier(uid: str) -> str | None:
    """The account the newest label of this work is bought through."""
    labels = ParcelLabel.objects.filter(package__fulfilment=int(uid), service__connection__gt="").order_by("-pk")
    code = labels.values_list("service__connection", flat=True).first()
    return _only(Connection.objects.filter(code=code)) if code else None


def _of_partner(uid: str) -> str | None:
    place = FulfilmentOrder.objects.filter(pk=uid).values_list("location_id", flat=True).first()
    link = PartnerLink.objects.filter(location=place, active=True).exclude(connection_code="")
    code = link.values_list("connection_code", flat=True).first()
    return _only(Connection.objects.filter(code=code)) if code else None


def _of_erp(uid: str) -> str | None:
    return Posting.objects.filter(pk=uid).exclude(connection_uid="").values_list("connection_uid", flat=True).first()


def _of_webhook(uid: str) -> str | None:
    return _only(WebhookSubscription.objects.filter(pk=uid), "connection_id")


def _failed_alike(uid: str) -> str | None:
    """The oldest message that failed for the same cause, such as an article no alias names."""
    if not InboundMessage.objects.filter(pk=uid, status=InboundMessage.Status.FAILED).exists():
        return None
    return _only(alike.rows_of(int(uid)).filter(pk__lt=uid).order_by("pk"))


def register() -> None:
    for symptom, find in (
        ("inventory.channel_behind", _of_feed),
        ("orders.unallocated", _of_channel),
        ("orders.channel_untold", _of_channel),
        ("orders.label_failed", _of_carrier),
        ("orders.parcel_stalled", _of_carrier),
        ("orders.supplier_silent", _of_partner),
        ("orders.supplier_late", _of_partner),
        ("finance.posting_rejected", _of_erp),
        ("integrations.webhook_given_up", _of_webhook),
    ):
        origins.register(symptom, DOWN, find)
    origins.register(MESSAGE_FAILED, MESSAGE_FAILED, _failed_alike)
