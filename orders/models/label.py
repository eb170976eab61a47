"""A parcel's label: asked for, bought or made, given back. One at a time per parcel, whatever is retried."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from orders.models.carriage import CarrierService
from orders.models.shipment import Package


class LabelStatus(models.TextChoices):
    WANTED = "WANTED", "Ordered"
    BOUGHT = "BOUGHT", "Ready"
    FAILED = "FAILED", "Failed"
    VOID_WANTED = "VOID_WANTED", "Being given back"
    VOIDED = "VOIDED", "Given back"
    VOID_REFUSED = "VOID_REFUSED", "Not taken back"


L = LabelStatus
LIVE = frozenset({L.WANTED, L.BOUGHT})  # what a parcel has one of at most


class ParcelLabelQuerySet(ScopedQuerySet):
    site_path = "package__fulfilment__location__site_id"
    channel_path = "package__fulfilment__order__channel__code"

    def live(self) -> ParcelLabelQuerySet:
        return self.filter(status__in=LIVE)


class ParcelLabel(StateMachine):
    """One label of one parcel. `uid` is our reference at the carrier; `vendor_ref` theirs, kept before any money moves.

    A label that may have been bought without our hearing of it is never forgotten: it is given back, which costs
    nothing where there was nothing to give back.
    """

    MOVES = {
        L.WANTED: {L.BOUGHT, L.FAILED, L.VOID_WANTED, L.VOIDED},
        L.FAILED: {L.WANTED, L.VOIDED},
        L.BOUGHT: {L.VOID_WANTED, L.VOIDED},
        L.VOID_WANTED: {L.VOIDED, L.VOID_REFUSED},
        L.VOIDED: {L.VOID_WANTED},  # it turns out that it had been bought after all
    }

    uid = models.UUIDField(unique=True)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="labels", db_index=False)
    service = models.ForeignKey(CarrierService, on_delete=models.PROTECT, related_name="+", db_index=False)
    instead_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=12, choices=LabelStatus, default=LabelStatus.WANTED)
    version = models.PositiveIntegerField(default=1)
    grams = models.PositiveIntegerField()
    vendor_ref = models.CharField(max_length=120, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    cost = MoneyField(null=True, help_text="What the carrier charged, or the price table says")
    currency = models.CharField(max_length=3, blank=True)
    content_type = models.CharField(max_length=60, blank=True)
    content = models.BinaryField(default=b"", help_text="The carrier's own file; empty where the label is made here")
    failure = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    bought_at = models.DateTimeField(null=True)
    printed_at = models.DateTimeField(null=True)
    prints = models.PositiveIntegerField(default=0)

    objects = ParcelLabelQuerySet.as_manager()

    class Meta:
        verbose_name = "label"
        constraints = [
            models.UniqueConstraint(
                fields=("package",), condition=Q(status__in=sorted(LIVE)), name="a_parcel_has_one_label_at_a_time"
            ),
            models.CheckConstraint(condition=Q(status__in=LabelStatus.values), name="label_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status="BOUGHT") | Q(tracking_number__gt=""), name="a_bought_label_has_its_number"
            ),
            models.CheckConstraint(condition=Q(grams__gt=0, grams__lte=2_000_000), name="label_weight_is_sane"),
        ]
        indexes = [
            models.Index(fields=("package", "-id"), name="label_by_package"),
            models.Index(fields=("-id",), name="label_failed", condition=Q(status="FAILED")),
            models.Index(fields=("service", "created_at"), name="label_waiting", condition=Q(status="WANTED")),
        ]

    def __str__(self) -> str:
        return self.tracking_number or f"label {self.uid}"

    @property
    def subject(self) -> Subject:
        return Subject("label", str(self.pk), str(self))


class SerialReference(models.Model):
    """The last serial number taken for SSCCs of a company prefix: counted under the row's lock, never used twice."""

    prefix = models.CharField(max_length=11, primary_key=True)
    extension = models.PositiveSmallIntegerField(default=0)
    taken = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix}: {self.taken}"
