"""Several orders picked on one walk, and what handhelds scanned for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Location
from orders.models.fulfilment import FulfilmentOrder


class BatchStatus(models.TextChoices):
    OPEN = "OPEN"
    DONE = "DONE"
    ENDED = "ENDED", "Ended early"


class BatchQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class PickBatch(StateMachine):
    """One walk past the shelves for several fulfilment orders, a tote each."""

    MOVES = {BatchStatus.OPEN: {BatchStatus.DONE, BatchStatus.ENDED}}

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="pick_batches")
    status = models.CharField(max_length=5, choices=BatchStatus, default=BatchStatus.OPEN)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = "pick batch"
        verbose_name_plural = "pick batches"
        constraints = [models.CheckConstraint(condition=Q(status__in=BatchStatus.values), name="batch_status_is_known")]

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class BatchWork(models.Model):
    """A fulfilment order's tote in a batch. It is in one running batch at a time."""

    batch = models.ForeignKey(PickBatch, on_delete=models.CASCADE, related_name="works", db_index=False)
    fulfilment = models.ForeignKey(FulfilmentOrder, on_delete=models.PROTECT, related_name="batch_works")
    tote = models.CharField(max_length=12)
    running = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("batch", "tote"), name="a_tote_holds_one_order_of_a_batch"),
            models.UniqueConstraint(
                fields=("fulfilment",), condition=Q(running=True), name="work_is_in_one_running_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fulfilment_id} in {self.tote}"


class DeviceScanQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class DeviceScan(models.Model):
    """One scan of a handheld as the server judged it, once per person and key, however often it is sent."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=64)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    target = models.CharField(max_length=40)
    code = models.CharField(max_length=100)
    into = models.CharField(max_length=12, blank=True, help_text="The tote the device named")
    scanned_at = models.DateTimeField(help_text="By the device's clock")
    judged_at = models.DateTimeField(default=timezone.now)
    accepted = models.BooleanField()
    rule = models.CharField(max_length=40, blank=True, help_text="The code of the refusal")
    words = models.CharField(max_length=300, blank=True)

    objects = DeviceScanQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("person", "key"), name="a_scan_is_judged_once")]
        indexes = [
            models.Index(fields=("location", "-id"), name="scan_refused", condition=Q(accepted=False)),
            models.Index(fields=("judged_at",), name="scan_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target}: {self.code}"
