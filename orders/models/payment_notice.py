"""What a bank or a provider wants to know of a payment, and by when. No money moves with it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import MoneyField
from orders.models.order import MONEY_LIMIT, Order
from orders.models.payment import MoneyQuerySet


class NoticeKind(models.TextChoices):
    INQUIRY = "INQUIRY", "Inquiry"
    DISPUTE = "DISPUTE", "Dispute"
    FRAUD = "FRAUD", "Fraud warning"


class NoticeState(models.TextChoices):
    """OPEN waits for our word; ANSWERED waits for theirs; CLOSED waits for nobody."""

    OPEN = "OPEN", "Waits for an answer"
    ANSWERED = "ANSWERED", "Answered, the bank looks at it"
    CLOSED = "CLOSED", "Closed"


class PaymentNotice(models.Model):
    """One inquiry, dispute or fraud warning as it was told last, once per the provider's reference and kind.

    `said_at` is the moment of the latest word, in the provider's own time: an older one that comes late changes
    nothing.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payment_notices", db_index=False)
    kind = models.CharField(max_length=7, choices=NoticeKind)
    state = models.CharField(max_length=8, choices=NoticeState, default=NoticeState.OPEN)
    provider_ref = models.CharField(max_length=120)
    parent_ref = models.CharField(max_length=120, blank=True, help_text="The payment it asks about")
    gateway = models.CharField(max_length=255, blank=True)
    amount = MoneyField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    reason = models.CharField(max_length=120, blank=True, help_text="Why, in the provider's words")
    told_state = models.CharField(max_length=60, blank=True, help_text="How it stands, in the provider's words")
    due_at = models.DateTimeField(null=True, help_text="Until when an answer counts, where one is taken")
    said_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = MoneyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("order", "provider_ref", "kind"), name="a_notice_is_kept_once"),
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="notice_kind_is_known"),
            models.CheckConstraint(condition=Q(state__in=NoticeState.values), name="notice_state_is_known"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0, amount__lt=MONEY_LIMIT),
                name="notice_amount_is_sane",
            ),
        ]
        indexes = [
            models.Index(fields=("order",), name="notice_open", condition=Q(state="OPEN")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.provider_ref}"
