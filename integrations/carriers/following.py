"""Asking where parcels are, those that go out and those that come back: the net under the webhooks, which get lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from core.errors import Permanent, TryLater
from integrations.carriers import registry
from integrations.carriers.port import Rejected
from integrations.failures import Unreadable
from integrations.models import Connection
from orders.models import CarrierService, FulfilmentStatus, LabelStatus, ParcelLabel
from orders.models.shipment import UNDER_WAY
from orders.services import tracking
from orders.tracking import Scan
from returns.models import ReturnLabel
from returns.services import tracking as back

log = logging.getLogger(__name__)

QUIET = timedelta(hours=6)  # without a word for so long…
AGAIN = timedelta(hours=2)  # …it is asked for, and not again before this
AT_ONCE = 50


def poll(limit: int = AT_ONCE) -> int:
    """Ask for the parcels longest without news; returns how many were asked for. Safe to race: a scan counts once."""
    now = timezone.now()
    labels = (
        ParcelLabel.objects.filter(
            Q(package__tracked_at__isnull=True, bought_at__lt=now - QUIET) | Q(package__tracked_at__lt=now - QUIET),
            Q(package__asked_at__isnull=True) | Q(package__asked_at__lt=now - AGAIN),
            status=LabelStatus.BOUGHT,
            service__connection__gt="",
            package__tracker__in=sorted(UNDER_WAY),
            package__fulfilment__status=FulfilmentStatus.SHIPPED,
        )
        .select_related("package", "service")
        .order_by("package__tracked_at", "pk")[:limit]
    )
    found = list(labels)
    tracking.asked([label.package_id for label in found])
    asking = _Asking()
    for label in found:
        asking.ask(label.service, label.package.tracking_number, tracking.record)
    return len(found) + _poll_back(asking, limit)


def _poll_back(asking: _Asking, limit: int) -> int:
    now = timezone.now()
    labels = ReturnLabel.objects.filter(
        Q(tracked_at__isnull=True, bought_at__lt=now - QUIET) | Q(tracked_at__lt=now - QUIET),
        Q(asked_at__isnull=True) | Q(asked_at__lt=now - AGAIN),
        Q(to_customer=True) | Q(request__status="OPEN"),
        status=LabelStatus.BOUGHT, service__connection__gt="", tracker__in=sorted(UNDER_WAY),
    )  # fmt: skip
    found = list(labels.select_related("service").defer("content").order_by("tracked_at", "pk")[:limit])
    back.asked([label.pk for label in found])
    for label in found:
        if label.service is not None:
            asking.ask(label.service, label.tracking_number, back.record)
    return len(found)


class _Asking:
    """The accounts of one round, each looked up once."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection | None] = {}

    def ask(self, service: CarrierService, number: str, record: Callable[..., object]) -> None:
        code = service.connection
        if code not in self.connections:
            self.connections[code] = registry.connection_for(code)
        connection = self.connections[code]
        if connection is None or connection.status != Connection.Status.ACTIVE:
            return
        try:
            scans: Sequence[Scan] = registry.port(connection).track(number, service.vendor_carrier)
        except (TryLater, Permanent, Rejected, Unreadable) as error:
            log.info("parcel.not_followed", extra={"number": number, "error": str(error)[:200]})
            return
        if scans:
            record(number, scans, actor=connection.actor)
