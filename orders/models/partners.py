"""Work that somebody else does for us: suppliers who send to our customers, and third-party warehouses."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Location
from orders.models.fulfilment import FulfilmentOrder


class PartnerLink(models.Model):
    """How we work with the partner behind a location: over which connection, and how soon it owes us an answer.

    Without a connection a person passes the request on and enters the answer.
    """

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="partner_link")
    connection_code = models.SlugField(max_length=60, blank=True, help_text="Empty: a person passes requests on")
    answer_minutes = models.PositiveIntegerField(default=240, help_text="It accepts or declines within this time")
    ship_hours = models.PositiveIntegerField(default=48, help_text="It sends within this time of our request")
    takes_back_silent = models.BooleanField(
        default=False, help_text="No answer in time: the work is taken back and sourced elsewhere"
    )
    account_ref = models.CharField(max_length=120, blank=True, help_text="What the partner calls us")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answer_minutes__gt=0, ship_hours__gt=0), name="a_partner_has_some_time_to_answer"
            )
        ]

    def __str__(self) -> str:
        return f"Partner at {self.location_id}"


class PartnerRequestStatus(models.TextChoices):
    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    SHIPPED = "SHIPPED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class RejectReason(models.TextChoices):
    """Why a partner declines. The first two say that what we believed of its stock is wrong."""

    OUT_OF_STOCK = "OUT_OF_STOCK", "Out of stock"
    DISCONTINUED = "DISCONTINUED", "No longer sold"
    CANNOT_SHIP_THERE = "CANNOT_SHIP_THERE", "Doesn't send there"
    TOO_LATE = "TOO_LATE", "Can't make the date"
    BAD_ADDRESS = "BAD_ADDRESS", "Address not usable"
    PRICE = "PRICE", "Price not agreed"
    OTHER = "OTHER", "Other"


R = PartnerRequestStatus


class PartnerRequestQuerySet(ScopedQuerySet):
    site_path = "fulfilment__location__site_id"
    channel_path = "fulfilment__order__channel__code"

    def unanswered(self) -> PartnerRequestQuerySet:
        return self.filter(status=R.REQUESTED)

    def open(self) -> PartnerRequestQuerySet:
        return self.filter(status__in=(R.REQUESTED, R.ACCEPTED))


class PartnerRequest(StateMachine):
    """One fulfilment order asked of a partner: a drop-ship from a supplier, or a third party's pick and pack.

    Changed only by services.partners, under the order's lock. `uid` is what the partner knows it by and the key under
    which it counts once. `sent_at` is when the partner's system took it; a person may pass it on instead.
    """

    MOVES = {
        R.REQUESTED: {R.ACCEPTED, R.SHIPPED, R.REJECTED, R.WITHDRAWN},
        R.ACCEPTED: {R.SHIPPED, R.REJECTED, R.WITHDRAWN},
    }

    uid = models.UUIDField(unique=True, default=uuid4, editable=False)
    fulfilment = models.OneToOneField(FulfilmentOrder, on_delete=models.PROTECT, related_name="partner_request")
    status = models.CharField(max_length=9, choices=PartnerRequestStatus, default=R.REQUESTED)
    version = models.PositiveIntegerField(default=1)
    partner_ref = models.CharField(max_length=120, blank=True, help_text="What the partner calls it")
    reason = models.CharField(max_length=17, choices=RejectReason, blank=True)
    said = models.CharField(max_length=255, blank=True, help_text="The partner's own words")
    requested_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    answer_by = models.DateTimeField()
    ship_by = models.DateTimeField()
    promised_at = models.DateTimeField(null=True, help_text="When the partner says it will send")
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    told_withdrawn_at = models.DateTimeField(null=True, help_text="When the partner took note that it is off")
    sent_anyway = models.BooleanField(default=False, help_text="It left although it had been withdrawn")

    objects = PartnerRequestQuerySet.as_manager()

    class Meta:
        permissions = [("answer_partnerrequest", "Can enter a partner's answer")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=R.values), name="partner_request_status_is_known"),
            models.CheckConstraint(
                condition=Q(reason="") | Q(reason__in=RejectReason.values), name="partner_reject_reason_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="REJECTED") | ~Q(reason=""), name="a_partner_says_why_it_declines"
            ),
        ]
        indexes = [
            models.Index(fields=("answer_by", "id"), name="partner_unanswered", condition=Q(status="REQUESTED")),
            models.Index(fields=("ship_by", "id"), name="partner_unsent", condition=Q(status="ACCEPTED")),
        ]

    def __str__(self) -> str:
        return f"{self.fulfilment_id} asked of a partner"
