"""How much goes back to a customer, why so much, and by which way: one decision, paid once."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.states import StateMachine
from core.subjects import Subject
from orders.models import MONEY_LIMIT, Order
from orders.models.payment import MoneyQuerySet
from returns.models.request import RefundTo, ReturnRequest


class RefundStatus(models.TextChoices):
    WAITING = "WAITING", "Waits for approval"
    APPROVED = "APPROVED", "Being paid"
    POSTED = "POSTED", "Paid back"
    FAILED = "FAILED", "Failed"
    DECLINED = "DECLINED", "Declined"


S = RefundStatus


class RefundQuerySet(MoneyQuerySet):
    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        theirs = ReturnRequest.objects.for_sites(sites).values("pk")
        return self.filter(Q(order__in=Order.objects.for_sites(sites)) | Q(request__in=theirs))

    def open(self) -> Self:
        return self.filter(status__in=(S.WAITING, S.APPROVED, S.FAILED))


class RefundDecision(StateMachine):
    """What one cause gives back, once per `cause`. Its parts always add up to `amount`.

    `lines`: [{line, return_line, sku, quantity, goods, discount, tax, amount}]: `amount` is what goes back for it.
    `tenders`: [{tender, via, gateway, amount}] as they were shown; what became of each is its instruction.
    """

    MOVES = {
        S.WAITING: {S.APPROVED, S.DECLINED},
        S.APPROVED: {S.POSTED, S.FAILED},
        S.FAILED: {S.APPROVED, S.POSTED, S.DECLINED},
        S.POSTED: {S.FAILED},
    }

    number = models.CharField(max_length=20, unique=True)
    order = models.ForeignKey(
        Order, null=True, on_delete=models.PROTECT, related_name="refund_decisions", db_index=False,
        help_text="Empty for a blind return: that gives store credit",
    )  # fmt: skip
    request = models.ForeignKey(
        ReturnRequest, null=True, on_delete=models.PROTECT, related_name="refunds", db_index=False
    )
    cause = models.CharField(max_length=120, unique=True)
    status = models.CharField(max_length=8, choices=RefundStatus)
    version = models.PositiveIntegerField(default=1)
    to = models.CharField(max_length=12, choices=RefundTo, default=RefundTo.ORIGINAL)
    currency = models.CharField(max_length=3)
    amount = MoneyField(help_text="What goes back to the customer")
    goods = MoneyField(default=0, help_text="Of the amount: the units, with their tax")
    tax = MoneyField(default=0, help_text="How much of the amount is tax")
    shipping = MoneyField(default=0, help_text="Of the amount: carriage, with its tax")
    fees = MoneyField(default=0, help_text="Kept back from the goods")
    keep_it = models.BooleanField(default=False, help_text="The customer keeps the goods")
    lines = models.JSONField(default=list)
    tenders = models.JSONField(default=list)
    why = models.CharField(max_length=255, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    entered_label = models.CharField(max_length=200, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_label = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = "refund"
        permissions = [
            ("decide_refund", "Can refund up to the limit"),
            ("approve_refund", "Can approve refunds above the limit"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RefundStatus.values), name="refund_status_is_known"),
            models.CheckConstraint(condition=Q(to__in=RefundTo.values), name="refund_way_is_known"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lt=MONEY_LIMIT, fees__gte=0, shipping__gte=0, goods__gte=0),
                name="refund_decision_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(amount=models.F("goods") + models.F("shipping") - models.F("fees")),
                name="the_parts_of_a_refund_add_up",
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False) | Q(to="STORE_CREDIT"), name="a_blind_refund_is_store_credit"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(entered_by__isnull=True)
                | ~Q(approved_by=models.F("entered_by")),
                name="nobody_approves_their_own_refund",
            ),
        ]
        indexes = [
            models.Index(fields=("-created_at", "-id"), name="refund_by_time"),
            models.Index(fields=("status", "-created_at", "-id"), name="refund_by_status"),
            models.Index(fields=("order",), name="refund_by_order"),
            models.Index(fields=("request",), name="refund_by_return", condition=Q(request__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> Subject:
        return Subject("refund", str(self.pk), self.number)
