"""Where a return's parcel is: what its carrier said, word for word, and what it means."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from orders.models import Tracker
from returns.models.label import ReturnLabel
from returns.models.request import ReturnRequest


class ReturnScanQuerySet(ScopedQuerySet):
    channel_path = "label__request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ReturnScanQuerySet:
        return self.all() if sites is None else self.filter(label__request__in=ReturnRequest.objects.for_sites(sites))


class ReturnScan(models.Model):
    """One scan of a label's parcel. Append-only (a trigger); the same scan told twice is one row by its `key`."""

    label = models.ForeignKey(ReturnLabel, on_delete=models.PROTECT, related_name="scans", db_index=False)
    key = models.CharField(max_length=64)
    state = models.CharField(max_length=17, choices=Tracker)
    words = models.CharField(max_length=255, blank=True)
    code = models.CharField(max_length=60, blank=True)
    place = models.CharField(max_length=200, blank=True)
    said_at = models.CharField(max_length=60, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=200, blank=True)

    objects = ReturnScanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("label", "key"), name="a_return_scan_is_kept_once"),
            models.CheckConstraint(condition=Q(state__in=Tracker.values), name="return_scan_state_is_known"),
        ]
        indexes = [models.Index(fields=("label", "-occurred_at", "-id"), name="return_scan_by_label")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} at {self.occurred_at:%Y-%m-%d %H:%M}"
