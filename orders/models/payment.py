"""Money events as their provider reported them. Rows are added and never changed: a trigger refuses."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from orders.models.order import MONEY_LIMIT, Order


class PaymentKind(models.TextChoices):
    AUTHORISED = "authorised", "Authorised"
    CAPTURED = "captured", "Captured"
    VOIDED = "voided", "Voided"
    REFUNDED = "refunded", "Refunded"
    FAILED = "failed", "Failed"
    DISPUTED = "disputed", "Disputed"
    CHARGEBACK = "chargeback", "Taken back by the bank"
    REINSTATED = "reinstated", "Given back by the bank"
    DISPUTE_LOST = "dispute_lost", "Dispute lost"
    CAPTURE_FAILED = "capture_failed", "Capture taken back"
    REFUND_FAILED = "refund_failed", "Refund came back"


class MoneyQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> MoneyQuerySet:
        return self.all() if sites is None else self.filter(order__in=Order.objects.for_sites(sites))


class Payment(models.Model):
    """One thing that happened to the money of an order, once per provider reference and kind."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments", db_index=False)
    provider_ref = models.CharField(max_length=120)
    kind = models.CharField(max_length=14, choices=PaymentKind)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()
    gateway = models.CharField(max_length=255, blank=True)
    parent_ref = models.CharField(max_length=120, blank=True)
    expires_at = models.DateTimeField(null=True, help_text="Until when an authorisation holds, where that was said")
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("order", "provider_ref", "kind"), name="a_money_event_counts_once"),
            models.CheckConstraint(condition=Q(kind__in=PaymentKind.values), name="payment_kind_is_known"),
            models.CheckConstraint(condition=Q(amount__gte=0, amount__lt=MONEY_LIMIT), name="payment_amount_is_sane"),
        ]
        indexes = [
            models.Index(fields=("provider_ref",), name="payment_by_provider_ref"),
            models.Index(fields=("at",), name="payment_authorised", condition=Q(kind="authorised")),
            models.Index(fields=("at",), name="payment_moved", condition=Q(kind__in=("captured", "refunded"))),
            models.Index(fields=("order",), name="payment_disputed", condition=Q(kind__in=("disputed", "chargeback"))),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class PaymentDisagreement(models.Model):
    """One money event told twice with two amounts: the first counts, the other waits for a person to judge.

    `kind` is a payment's, or `refund` for a refund as a whole.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payment_disagreements", db_index=False)
    ref = models.CharField(max_length=120)
    kind = models.CharField(max_length=14)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    said_amount = MoneyField()
    said_currency = models.CharField(max_length=3)
    found_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, blank=True)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("order", "ref", "kind", "said_amount", "said_currency"), name="a_disagreement_is_found_once"
            ),
        ]
        indexes = [
            models.Index(fields=("order",), name="disagreement_standing", condition=Q(settled_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.ref}: {self.amount} {self.currency}, or {self.said_amount} {self.said_currency}"


class Refund(models.Model):
    """A refund as the source issued it, once per its ref. `lines`: [{line_ref, quantity, restock, amount, tax}]."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    ref = models.CharField(max_length=120)
    at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    amount = MoneyField(null=True)
    shipping_amount = MoneyField(null=True)
    lines = models.JSONField(default=list)
    note = models.TextField(blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("order", "ref"), name="a_refund_counts_once"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0, amount__lt=MONEY_LIMIT),
                name="refund_amount_is_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.ref
