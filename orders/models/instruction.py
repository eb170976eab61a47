"""What Backroom tells whoever holds an order's money to do: hold it, take it, let it go, give it back. Each once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from orders.models.channel import Channel
from orders.models.order import MONEY_LIMIT, Order
from orders.models.payment import MoneyQuerySet, Payment
from orders.models.shipment import Shipment
from orders.models.store_credit import StoreCredit


class InstructionKind(models.TextChoices):
    AUTHORISE = "AUTHORISE", "Authorise"
    CAPTURE = "CAPTURE", "Capture"
    VOID = "VOID", "Void"
    REFUND = "REFUND", "Refund"


class InstructionStatus(models.TextChoices):
    WANTED = "WANTED", "To be sent"
    SENT = "SENT", "Sent"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class Via(models.TextChoices):
    """Who carries it out."""

    PROVIDER = "PROVIDER", "Our payment provider"
    CHANNEL = "CHANNEL", "The channel"
    LEDGER = "LEDGER", "Our own store credit"
    HAND = "HAND", "A person"


S = InstructionStatus
UNDER_WAY = frozenset({S.WANTED, S.SENT})


class InstructionQuerySet(MoneyQuerySet):
    def under_way(self) -> InstructionQuerySet:
        return self.filter(status__in=UNDER_WAY)


class PaymentInstruction(StateMachine):
    """One order to the holder of money, once per `key`; `uid` is our idempotency key and reference at the provider.

    `tender` is the money event it acts on: an authorisation to capture or void, a capture to refund. One that was SENT
    may have happened without our hearing of it, so it never goes back to WANTED: it is looked for before it is sent
    again. What is done stands among the order's payments under `provider_ref`. A trigger holds the law that refunds
    never exceed what was captured, whoever writes.
    """

    MOVES = {
        S.WANTED: {S.SENT, S.DONE, S.FAILED, S.CANCELLED},
        S.SENT: {S.DONE, S.FAILED},
        S.FAILED: {S.WANTED, S.DONE, S.CANCELLED},
        S.DONE: {S.FAILED},  # a provider may take its word back: the bank refused the refund days later
    }

    uid = models.UUIDField(unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="instructions", db_index=False)
    kind = models.CharField(max_length=9, choices=InstructionKind)
    status = models.CharField(max_length=9, choices=InstructionStatus, default=S.WANTED)
    version = models.PositiveIntegerField(default=1)
    cause = models.CharField(max_length=150, help_text="What asked for it; asking twice changes nothing")
    key = models.CharField(max_length=160, unique=True, help_text="The cause and which part of it this is")
    why = models.CharField(max_length=255, blank=True)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    via = models.CharField(max_length=8, choices=Via)
    connection = models.CharField(max_length=60, blank=True, help_text="Code of the provider's account")
    tender = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="instructions")
    credit = models.ForeignKey(StoreCredit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    shipment = models.ForeignKey(Shipment, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.JSONField(default=dict, help_text="What to authorise on, in the provider's words")
    provider_ref = models.CharField(max_length=120, blank=True, help_text="The provider's own key, once it took it")
    refund_ref = models.CharField(
        max_length=120, blank=True, db_default="", help_text="The channel's own key of the refund as a whole"
    )
    document = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), blank=True,
        help_text="What a refund is for: {ref, lines, shipping, fees, note}; it becomes the order's Refund",
    )  # fmt: skip
    failure = models.CharField(max_length=500, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    asked_by = models.CharField(max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=1, help_text="How often a person wanted it anew after a failure")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = InstructionQuerySet.as_manager()

    class Meta:
        verbose_name = "payment instruction"
        permissions = [
            ("pay_order", "Can capture and void payments"),
            ("approve_payment", "Can agree to captures and voids above the limit"),
            ("refund_order", "Can give money back"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=S.values), name="instruction_status_is_known"),
            models.CheckConstraint(condition=Q(kind__in=InstructionKind.values), name="instruction_kind_is_known"),
            models.CheckConstraint(condition=Q(via__in=Via.values), name="instruction_has_somebody_to_do_it"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lt=MONEY_LIMIT), name="instruction_amount_is_sane"
            ),
            models.CheckConstraint(
                condition=~Q(status="DONE") | Q(provider_ref__gt=""), name="what_is_done_has_its_reference"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("CAPTURE", "VOID")) | Q(tender__isnull=False), name="a_capture_names_its_tender"
            ),
        ]
        indexes = [
            models.Index(fields=("order", "id"), name="instruction_by_order"),
            models.Index(fields=("cause",), name="instruction_by_cause"),
            models.Index(fields=("provider_ref",), name="instruction_by_ref", condition=~Q(provider_ref="")),
            models.Index(
                fields=("updated_at",), name="instruction_under_way", condition=Q(status__in=("WANTED", "SENT"))
            ),
            models.Index(fields=("-id",), name="instruction_failed", condition=Q(status="FAILED")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount} {self.currency}"

    @property
    def subject(self) -> Subject:
        return Subject("payment", str(self.pk), str(self))


class PaymentRouteQuerySet(ScopedQuerySet):
    channel_path = "channel__code"


class PaymentRoute(models.Model):
    """Who carries out what is to happen to money that came to a channel through a gateway. Empty gateway: any other.

    Without a route the channel itself does it.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="payment_routes", db_index=False)
    gateway = models.CharField(max_length=255, blank=True, help_text="As the channel names it; empty: any other")
    via = models.CharField(max_length=8, choices=Via, default=Via.CHANNEL)
    connection = models.CharField(max_length=60, blank=True, help_text="Code of the provider's account")
    capture_on_ship = models.BooleanField(default=False, help_text="We capture what leaves; else the channel does")
    void_on_cancel = models.BooleanField(default=False, help_text="We void what a cancelled order will not need")
    holds_days = models.PositiveSmallIntegerField(default=7, help_text="How long an authorisation lasts here")
    warn_hours = models.PositiveSmallIntegerField(default=48, help_text="How long before its end somebody is told")

    objects = PaymentRouteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("channel", "gateway"), name="a_gateway_has_one_route"),
            models.CheckConstraint(
                condition=~Q(via="PROVIDER") | Q(connection__gt=""), name="a_provider_route_names_its_account"
            ),
            models.CheckConstraint(condition=Q(holds_days__gte=1, holds_days__lte=365), name="route_holds_some_days"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway or 'any gateway'} of {self.channel_id}: {self.via}"
