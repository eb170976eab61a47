"""The label of a parcel that comes back: asked for, bought or made, given back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from orders.models import CarrierService, LabelStatus, Tracker
from orders.models.shipment import UNDER_WAY
from returns.models.request import ReturnRequest

L = LabelStatus
LIVE = frozenset({L.WANTED, L.BOUGHT})  # what a return has one of at most


class ReturnLabelQuerySet(ScopedQuerySet):
    channel_path = "request__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> ReturnLabelQuerySet:
        return self.all() if sites is None else self.filter(request__in=ReturnRequest.objects.for_sites(sites))

    def live(self) -> ReturnLabelQuerySet:
        return self.filter(status__in=LIVE)

    def way_back(self) -> ReturnLabelQuerySet:
        """Of parcels that come to us; the others take rejected goods home."""
        return self.filter(to_customer=False)


class ReturnLabel(StateMachine):
    """One label of one return. `uid` is our reference at the carrier; `vendor_ref` theirs, kept before money moves."""

    MOVES = {
        L.WANTED: {L.BOUGHT, L.FAILED, L.VOID_WANTED, L.VOIDED},
        L.FAILED: {L.WANTED, L.VOIDED},
        L.BOUGHT: {L.VOID_WANTED, L.VOIDED},
        L.VOID_WANTED: {L.VOIDED, L.VOID_REFUSED},
        L.VOIDED: {L.VOID_WANTED},  # it turns out that it had been bought after all
    }

    uid = models.UUIDField(unique=True)
    request = models.ForeignKey(ReturnRequest, on_delete=models.PROTECT, related_name="labels", db_index=False)
    to_customer = models.BooleanField(
        default=False, db_default=False, help_text="The parcel goes the other way: rejected goods to their owner"
    )
    service = models.ForeignKey(
        CarrierService, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="Empty: the channel made the label",
    )  # fmt: skip
    status = models.CharField(max_length=12, choices=LabelStatus, default=LabelStatus.WANTED)
    version = models.PositiveIntegerField(default=1)
    carrier = models.CharField(max_length=60, blank=True)
    grams = models.PositiveIntegerField()
    vendor_ref = models.CharField(max_length=120, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    tracker = models.CharField(max_length=20, choices=Tracker, default=Tracker.UNKNOWN)
    cost = MoneyField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    content_type = models.CharField(max_length=60, blank=True)
    content = models.BinaryField(default=b"", help_text="The carrier's own file; empty where the label is made here")
    paperless = models.CharField(max_length=500, blank=True, help_text="What is shown where nothing is printed")
    failure = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    bought_at = models.DateTimeField(null=True)
    tracked_at = models.DateTimeField(null=True, help_text="When it was where `tracker` says")
    asked_at = models.DateTimeField(null=True, help_text="When its carrier was last asked")
    printed_at = models.DateTimeField(null=True)
    prints = models.PositiveIntegerField(default=0)

    objects = ReturnLabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("request",),
                condition=Q(status__in=sorted(LIVE), to_customer=False),
                name="a_return_has_one_label_at_a_time",
            ),
            models.CheckConstraint(condition=Q(status__in=LabelStatus.values), name="return_label_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status="BOUGHT") | Q(tracking_number__gt=""), name="a_return_label_has_its_number"
            ),
            models.CheckConstraint(condition=Q(grams__gt=0, grams__lte=2_000_000), name="return_weight_is_sane"),
        ]
        indexes = [
            models.Index(fields=("request", "-id"), name="return_label_by_request"),
            models.Index(fields=("tracking_number",), name="return_label_by_number", condition=~Q(tracking_number="")),
            models.Index(
                fields=("tracked_at", "id"), name="return_label_under_way",
                condition=Q(status="BOUGHT", tracker__in=sorted(UNDER_WAY)),
            ),
            models.Index(
                fields=("tracked_at",), name="return_label_there",
                condition=Q(status="BOUGHT", to_customer=False, tracker="delivered"),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.tracking_number or str(self.uid)
