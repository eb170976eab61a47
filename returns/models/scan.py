"""Where a return's parcel is: what its carrier said, word for word, and what it means."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.scoping import ScopedQuerySet
from orders.models import CarrierScan, Tracker
from returns.models.label import ReturnLabel
from returns.models.request import ReturnRequest


class ReturnScanQuerySet(ScopedQuerySet):
    channel_path = "label__request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ReturnScanQuerySet:
        return self.all() if sites is None else self.filter(label__request__in=ReturnRequest.objects.for_sites(sites))


class ReturnScan(CarrierScan):
    """A scan of a label's parcel."""

    label = models.ForeignKey(ReturnLabel, on_delete=models.PROTECT, related_name="scans", db_index=False)

    objects = ReturnScanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("label", "key"), name="a_return_scan_is_kept_once"),
            models.CheckConstraint(condition=Q(state__in=Tracker.values), name="return_scan_state_is_known"),
        ]
        indexes = [models.Index(fields=("label", "-occurred_at", "-id"), name="return_scan_by_label")]
