"""What the shell shows of this app: navigation, and messages found by reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from core import screens
from core.models import Delivery
from core.models.events import DeliveryStatus
from core.screens import Count, Found
from integrations import filters
from integrations.models import Connection, DriftFinding, InboundMessage, WebhookSubscription

CAP = 1000


def register() -> None:
    screens.register_nav(
        "Run", "Messages", "webhook", "integrations:messages", "integrations.view_inboundmessage", count=failed,
        order=20, topic="messages",
    )  # fmt: skip
    screens.register_nav(
        "Run", "Dead letters", "archive", "integrations:dead", "integrations.view_inboundmessage", count=dead, order=22,
        topic="messages",
    )  # fmt: skip
    screens.register_nav(
        "Run", "Connections", "plug", "integrations:links", "integrations.view_connection", count=troubled, order=10
    )
    screens.register_nav(
        "Run", "ERP drift", "receipt", "integrations:drift", "finance.view_posting", count=drifting, order=12
    )
    screens.register_nav(
        "Run", "Webhooks", "webhook", "integrations:webhooks", "integrations.view_webhooksubscription",
        count=webhooks_down, order=15, topic="webhooks",
    )  # fmt: skip
    screens.register_nav(
        "Finance", "Payment routes", "split", "integrations:payment_routes", "orders.view_paymentroute", order=55
    )
    screens.register_nav("Run", "API clients", "key", "integrations:clients", "integrations.view_apiclient", order=16)
    screens.register_search("messages", find, order=60)


def failed(user: Any) -> Count:
    rows = InboundMessage.objects.for_user(user).filter(status="FAILED").order_by()
    count = rows[:CAP].count()
    return Count(count, capped=count >= CAP)


def dead(user: Any) -> Count | None:
    """Deliveries that ran out of attempts; failed messages are counted beside Messages."""
    if not user.has_perm("core.view_delivery"):
        return None
    count = Delivery.objects.filter(status=DeliveryStatus.DEAD).order_by()[:CAP].count()
    return Count(count, capped=count >= CAP) if count else None


def troubled(user: Any) -> Count | None:
    rows = Connection.objects.for_user(user).exclude(status="DISABLED").filter(health="TROUBLED")
    count = rows.count()
    return Count(count) if count else None


def drifting(user: Any) -> Count | None:
    """Documents that stand otherwise in an ERP than here."""
    count = DriftFinding.objects.for_user(user).filter(unknown=False).order_by()[:CAP].count()
    return Count(count, capped=count >= CAP) if count else None


def webhooks_down(user: Any) -> Count | None:
    """Receivers that Backroom had to disable."""
    rows = WebhookSubscription.objects.for_user(user).filter(given_up_at__isnull=False)
    count = rows.count()
    return Count(count) if count else None


def find(user: Any, text: str, limit: int) -> Iterable[Found]:
    """Messages by their number ("message 12"), their delivery id, or the order they became."""
    if not user.has_perm("integrations.view_inboundmessage") or (len(text) < 6 and not text.lower().startswith("m")):
        return
    rows = InboundMessage.objects.for_user(user).filter(filters.matching(text)).select_related("connection")
    for row in rows.defer("body", "headers", "faults").order_by("-id")[:limit]:
        yield Found(
            f"Message {row.pk}",
            reverse("integrations:message", args=[row.pk]),
            f"{row.connection.name}, {row.topic or 'no topic'}, {row.get_status_display().lower()}",
            kind="Message",
            icon="webhook",
            exact=row.external_id == text,
        )
