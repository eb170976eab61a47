"""Balanced documents on their way into the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from finance.models.chart import ChartMapping
from finance.models.entity import Entity
from finance.models.kinds import Kind
from orders.models import Order

# What together says what an order's delivered units are worth.
OF_SALES = (Kind.SALES_ORDER, Kind.CREDIT_MEMO)
# What together says what an order is worth now, returns, goodwill and chargebacks included.
OF_ORDERS = (*OF_SALES, Kind.RETURN_MEMO, Kind.ADJUSTMENT, Kind.CHARGEBACK, Kind.WRITE_OFF)


class Status(models.TextChoices):
    QUEUED = "QUEUED", "Waits for approval"
    PENDING = "PENDING", "Pending"
    POSTED = "POSTED", "Posted"
    REJECTED = "REJECTED", "Rejected"
    REVERSED = "REVERSED", "Reversed"
    DECLINED = "DECLINED", "Declined"


GONE = (Status.REVERSED, Status.DECLINED)  # what counts for nothing any more


class PostingQuerySet(ScopedQuerySet):
    """A person limited to sites sees the postings of the orders they see; an API key those of its channels."""

    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> PostingQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class Posting(StateMachine):
    """One document for the ERP: what an order's delivered units are worth, once.

    `key` says which document this is, for ever: a shipped order has one, and another only for what changed since: units
    the channel added that left later, or figures it corrected. `reference` is what the ERP finds it by. Whoever sends
    it holds the lease; nobody else may end it.
    """

    MOVES = {
        Status.QUEUED: {Status.PENDING, Status.DECLINED},
        Status.PENDING: {Status.POSTED, Status.REJECTED},
        Status.REJECTED: {Status.PENDING},
        Status.POSTED: {Status.REVERSED},
        Status.REVERSED: set(),
        Status.DECLINED: set(),
    }

    kind = models.CharField(max_length=14, choices=Kind, default=Kind.SALES_ORDER)
    key = models.CharField(max_length=60, unique=True)
    reference = models.CharField(max_length=40)
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="postings", db_index=False)
    sequence = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    version = models.PositiveIntegerField(default=1)
    document = models.JSONField()
    currency = models.CharField(max_length=3)
    total = MoneyField()
    booked_on = models.DateField(help_text="The day it counts in the books")
    late_from = models.DateField(null=True, help_text="The day it belonged to, in a period that was locked")
    note = models.CharField(max_length=300, blank=True)
    chart = models.ForeignKey(
        ChartMapping, null=True, on_delete=models.PROTECT, related_name="postings", db_index=False
    )

    # What it is of: a return, a refund, a shipment, a payout. Postings of one cause belong together.
    cause_kind = models.CharField(max_length=20, blank=True)
    cause_uid = models.CharField(max_length=64, blank=True)
    linked = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="links", db_index=False,
        help_text="The posting it goes with: a stock receipt's credit memo",
    )  # fmt: skip
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversal")

    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="The person who asked for it; empty where it follows from what happened",
    )  # fmt: skip
    entered_label = models.CharField(max_length=200, blank=True)
    needs = models.CharField(max_length=200, blank=True, help_text="The rule that asks for approval")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_label = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)

    connection_uid = models.CharField(
        max_length=64, blank=True, help_text="The ERP connection it was last sent through"
    )
    connection_name = models.CharField(max_length=120, blank=True)
    erp_id = models.CharField(max_length=40, blank=True, help_text="The ERP's own key of the document")
    erp_number = models.CharField(max_length=60, blank=True)
    erp_total = MoneyField(null=True)
    waiting_for = models.CharField(max_length=300, blank=True, help_text="Why it isn't being sent right now")
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    failure_class = models.CharField(max_length=20, blank=True)
    answer = models.JSONField(default=dict, help_text="What the ERP said last, and what it had been asked")
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    prepared_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    posted_at = models.DateTimeField(null=True)

    objects = PostingQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [
            ("retry_posting", "Can send a rejected posting again"),
            ("enter_posting", "Can enter adjustments and write-offs"),
            ("approve_posting", "Can approve postings others entered"),
            ("reverse_posting", "Can ask for a posting to be reversed"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("kind", "order", "sequence"),
                name="an_order_is_posted_once",
            ),
            models.UniqueConstraint(fields=("kind", "reference"), name="a_reference_means_one_posting"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="posting_kind_is_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="posting_status_is_known"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(entered_by__isnull=True) | ~Q(decided_by=F("entered_by")),
                name="nobody_decides_what_they_entered",
            ),
            models.CheckConstraint(
                condition=Q(needs="") | Q(status__in=("QUEUED", "DECLINED")) | Q(decided_by__isnull=False),
                name="what_needs_approval_has_it",
            ),
            models.CheckConstraint(
                condition=Q(late_from__isnull=True) | Q(late_from__lt=F("booked_on")),
                name="a_late_posting_counts_later",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("POSTED", "REVERSED")) | ~Q(erp_number=""),
                name="a_posted_document_has_a_number",
            ),
            models.CheckConstraint(
                condition=~Q(status="REJECTED") | (~Q(last_error="") & ~Q(failure_class="")),
                name="a_rejected_posting_says_why",
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True) | Q(status="PENDING", lease_until__isnull=False),
                name="only_pending_postings_are_being_sent",
            ),
        ]
        indexes = [
            models.Index(fields=("entity", "booked_on", "kind"), name="posting_by_day"),
            models.Index(fields=("cause_kind", "cause_uid"), name="posting_by_cause", condition=~Q(cause_uid="")),
            models.Index(fields=("order", "-id"), name="posting_by_order"),
            models.Index(fields=("status", "-id"), name="posting_by_status"),
            models.Index(fields=("entity", "booked_on"), name="posting_late", condition=Q(late_from__isnull=False)),
            models.Index(
                fields=("-id",),
                name="posting_differing",
                condition=Q(erp_total__isnull=False) & ~Q(erp_total=F("total")),
            ),
            models.Index(fields=("erp_number",), name="posting_by_erp_number", condition=~Q(erp_number="")),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def subject(self) -> Subject:
        return Subject("posting", str(self.pk), f"Posting {self.reference}")

    @property
    def difference(self) -> Decimal | None:
        """What the ERP's total says beyond ours."""
        return None if self.erp_total is None else self.erp_total - self.total


class PostingLineQuerySet(ScopedQuerySet):
    channel_path = "posting__order__channel__code"

    def for_user(self, user: Any) -> PostingLineQuerySet:
        return self.filter(posting__in=Posting.objects.for_user(user))


class PostingLine(models.Model):
    """One side of a posting. The database refuses lines that don't balance, and changes once it is posted."""

    posting = models.ForeignKey(Posting, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    account = models.CharField(max_length=40, help_text="The role it plays: sales, receivable")
    ledger = models.CharField(max_length=60, blank=True, help_text="The ERP's account, as the chart says")
    about = models.JSONField(default=dict, blank=True, help_text="What the chart's rules looked at")
    debit = MoneyField(default=0)
    credit = MoneyField(default=0)
    note = models.CharField(max_length=200, blank=True)

    objects = PostingLineQuerySet.as_manager()

    class Meta:
        ordering = ("posting", "position")
        constraints = [
            models.UniqueConstraint(fields=("posting", "position"), name="posting_lines_are_numbered"),
            models.CheckConstraint(
                condition=Q(debit__gt=0, credit=0) | Q(debit=0, credit__gt=0), name="a_posting_line_has_one_side"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.debit - self.credit}"
