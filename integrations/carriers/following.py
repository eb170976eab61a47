"""Asking where parcels are: the net under the webhooks, which get lost."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from core.errors import Permanent, TryLater
from integrations.carriers import registry
from integrations.carriers.port import Rejected
from integrations.failures import Unreadable
from integrations.models import Connection
from orders.models import FulfilmentStatus, LabelStatus, Package, ParcelLabel
from orders.models.shipment import UNDER_WAY
from orders.services import tracking

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
    ports: dict[str, Connection | None] = {}
    for label in found:
        code = label.service.connection
        if code not in ports:
            ports[code] = registry.connection_for(code)
        _ask(ports[code], label.package, label.service.vendor_carrier)
    return len(found)


def _ask(connection: Connection | None, parcel: Package, carrier: str) -> None:
    if connection is None or connection.status != Connection.Status.ACTIVE:
        return
    try:
        scans = registry.port(connection).track(parcel.tracking_number, carrier)
    except (TryLater, Permanent, Rejected, Unreadable) as error:
        log.info("parcel.not_followed", extra={"parcel": parcel.pk, "error": str(error)[:200]})
        return
    if scans:
        tracking.record(parcel.tracking_number, scans, actor=connection.actor)
