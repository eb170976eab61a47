"""A return: what somebody wants to bring back, what was decided about it, and how far each unit has come."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models import Item, Location
from orders.canonical import MAX_QUANTITY
from orders.models import Channel, Order, OrderLine
from orders.models.order import MONEY_LIMIT
from returns.models.policy import ReturnPolicyVersion


class ReturnStatus(models.TextChoices):
    OPEN = "OPEN", "Open"
    COMPLETED = "COMPLETED", "Completed"
    CANCELLED = "CANCELLED", "Cancelled"
    DECLINED = "DECLINED", "Declined"


class ReturnKind(models.TextChoices):
    """Where it was asked for."""

    CHANNEL = "CHANNEL", "Channel"
    SERVICE = "SERVICE", "Service desk"
    COUNTER = "COUNTER", "Store counter"
    API = "API", "API"
    EDI = "EDI", "EDI"


class Proof(models.TextChoices):
    """What shows that it was bought here."""

    ORDER = "ORDER", "The order"
    RECEIPT = "RECEIPT", "A receipt"
    LOOKUP = "LOOKUP", "Found by its buyer"
    GIFT = "GIFT", "A gift receipt"
    NONE = "NONE", "Nothing"


class RefundPlan(models.TextChoices):
    INSTANT = "INSTANT", "At once"
    ON_RECEIPT = "ON_RECEIPT", "When it was inspected"
    KEEP_IT = "KEEP_IT", "Refunded, and the customer keeps it"


class RefundTo(models.TextChoices):
    ORIGINAL = "ORIGINAL", "The way it was paid"
    STORE_CREDIT = "STORE_CREDIT", "Store credit"
    EXCHANGE = "EXCHANGE", "Exchange"


class Verdict(models.TextChoices):
    """What the policy says of a line; of a request, the strictest of its lines."""

    ELIGIBLE = "ELIGIBLE", "May come back"
    REVIEW = "REVIEW", "A person decides"
    DENIED = "DENIED", "May not come back"


class ReturnReason(models.TextChoices):
    DEFECTIVE = "DEFECTIVE", "Does not work"
    DAMAGED = "DAMAGED", "Arrived damaged"
    WRONG_ITEM = "WRONG_ITEM", "Wrong item sent"
    MISSING_PARTS = "MISSING_PARTS", "Parts missing"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED", "Not as described"
    LATE = "LATE", "Came too late"
    TOO_SMALL = "TOO_SMALL", "Too small"
    TOO_LARGE = "TOO_LARGE", "Too large"
    COLOUR = "COLOUR", "Colour"
    STYLE = "STYLE", "Style"
    UNWANTED = "UNWANTED", "Changed their mind"
    OTHER = "OTHER", "Other"
    UNKNOWN = "UNKNOWN", "Not said"


R = ReturnReason
OUR_FAULT = frozenset({R.DEFECTIVE, R.DAMAGED, R.WRONG_ITEM, R.MISSING_PARTS, R.NOT_AS_DESCRIBED, R.LATE})


class Condition(models.TextChoices):
    """How it is, as whoever brings it says; an inspection grades it for itself."""

    NEW = "NEW", "Unopened"
    OPENED = "OPENED", "Opened"
    USED = "USED", "Used"
    DAMAGED = "DAMAGED", "Damaged"
    INCOMPLETE = "INCOMPLETE", "Incomplete"


class Reception(models.TextChoices):
    AWAITING = "AWAITING", "Awaited"
    IN_TRANSIT = "IN_TRANSIT", "On its way"
    RECEIVED = "RECEIVED", "Received"
    LOST = "LOST", "Lost on the way"
    SHORT = "SHORT", "Short"
    WRONG_ITEM = "WRONG_ITEM", "Wrong item"
    EXPIRED = "EXPIRED", "Never came"
    CANCELLED = "CANCELLED", "Cancelled"


class Acceptance(models.TextChoices):
    PENDING = "PENDING", "Not inspected"
    ACCEPTED = "ACCEPTED", "Accepted"
    REJECTED = "REJECTED", "Rejected"
    REVIEW = "REVIEW", "A person decides"


C, A = Reception, Acceptance
# What a line may become next on each of its two axes.
RECEPTION_MOVES: dict[str, set[str]] = {
    C.AWAITING: {C.IN_TRANSIT, C.RECEIVED, C.LOST, C.SHORT, C.WRONG_ITEM, C.EXPIRED, C.CANCELLED},
    C.IN_TRANSIT: {C.RECEIVED, C.LOST, C.SHORT, C.WRONG_ITEM, C.EXPIRED, C.CANCELLED},
    # What was given up may turn up after all.
    C.LOST: {C.RECEIVED, C.SHORT, C.WRONG_ITEM},
    C.EXPIRED: {C.RECEIVED, C.SHORT, C.WRONG_ITEM},
    C.SHORT: {C.RECEIVED},
    C.WRONG_ITEM: {C.RECEIVED},
}
ACCEPTANCE_MOVES: dict[str, set[str]] = {
    A.PENDING: {A.ACCEPTED, A.REJECTED, A.REVIEW},
    A.REVIEW: {A.ACCEPTED, A.REJECTED},
}
TO_COME = frozenset({C.AWAITING, C.IN_TRANSIT})
NEVER_CAME = frozenset({C.LOST, C.EXPIRED, C.CANCELLED})
DECIDED = frozenset({A.ACCEPTED, A.REJECTED})


class ReturnQuerySet(ScopedQuerySet):
    """A person limited to sites sees what comes back to them or was asked for there, and their orders' returns."""

    channel_path = "channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        theirs = Order.objects.for_sites(sites).values("pk")
        return self.filter(Q(location__site__in=sites) | Q(asked_at__site__in=sites) | Q(order__in=theirs))

    def standing(self) -> Self:
        return self.filter(status=ReturnStatus.OPEN)


class ReturnRequest(StateMachine):
    """One return (RMA). `status` is derived from its lines by services.lifecycle and never set by hand.

    It waits for a person while OPEN without `approved_at`. `rule` and `policy_version` say what decided; without a
    version the built-in rules did. `fee` is taken off for the way back; a refund also gives back the way there where
    `refunds_shipping`. Money is in `currency`.
    """

    MOVES = {
        ReturnStatus.OPEN: {ReturnStatus.COMPLETED, ReturnStatus.CANCELLED, ReturnStatus.DECLINED},
        # A parcel given up may come after all, and a person may take a refusal back.
        ReturnStatus.COMPLETED: {ReturnStatus.OPEN},
        ReturnStatus.CANCELLED: {ReturnStatus.OPEN},
        ReturnStatus.DECLINED: {ReturnStatus.OPEN},
    }

    number = models.CharField(max_length=20, unique=True)
    uid = models.UUIDField(unique=True)
    kind = models.CharField(max_length=7, choices=ReturnKind)
    proof = models.CharField(max_length=7, choices=Proof, default=Proof.ORDER)
    status = models.CharField(max_length=9, choices=ReturnStatus, default=ReturnStatus.OPEN)
    version = models.PositiveIntegerField(default=1)

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="returns", db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel_ref = models.CharField(max_length=120, blank=True, help_text="The channel's own id of the return")
    channel_number = models.CharField(max_length=120, blank=True)
    asked_at = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, related_name="+", help_text="The store it was brought to"
    )
    location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, related_name="+", help_text="Where it is to come back"
    )
    receipt_ref = models.CharField(max_length=120, blank=True, help_text="The receipt's number, where one was shown")

    buyer_ref = models.CharField(max_length=120, blank=True)
    buyer_name = models.CharField(max_length=255, blank=True)
    buyer_email = models.CharField(max_length=255, blank=True)
    buyer_phone = models.CharField(max_length=255, blank=True)
    sent_from = models.JSONField(default=dict, blank=True, help_text="The address a parcel comes from")

    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.ELIGIBLE)
    rule = models.CharField(max_length=40, blank=True, help_text="The code of the rule that decided")
    policy_version = models.ForeignKey(
        ReturnPolicyVersion, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="Empty: the built-in rules",
    )  # fmt: skip
    explained = models.JSONField(default=dict, blank=True, help_text="What decided, and what was weighed")
    standing = models.CharField(max_length=10, blank=True, help_text="Of the customer, when it was asked for")
    refund_plan = models.CharField(max_length=10, choices=RefundPlan, default=RefundPlan.ON_RECEIPT)
    refund_to = models.CharField(max_length=12, choices=RefundTo, default=RefundTo.ORIGINAL)
    currency = models.CharField(max_length=3)
    fee = MoneyField(default=0, help_text="For the way back, once for the whole return")
    refunds_shipping = models.BooleanField(default=False)

    drop_off = models.JSONField(default=dict, blank=True, help_text="Where the customer hands the parcel in")
    note = models.TextField(blank=True)
    asked_by = models.CharField(max_length=200, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    ended_reason = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now, help_text="When it was asked for")
    updated_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Not to be waited for any longer")
    ended_at = models.DateTimeField(null=True)

    objects = ReturnQuerySet.as_manager()

    class Meta:
        verbose_name = "return"
        ordering = ("-id",)
        permissions = [
            ("request_return", "Can ask for returns"),
            ("approve_return", "Can approve, decline and cancel returns"),
            ("override_return", "Can approve returns the policy denies"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("channel", "channel_ref"), condition=~Q(channel_ref=""), name="a_channel_return_arrives_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=ReturnKind.values), name="return_kind_is_known"),
            models.CheckConstraint(condition=Q(proof__in=Proof.values), name="return_proof_is_known"),
            models.CheckConstraint(condition=Q(status__in=ReturnStatus.values), name="return_status_is_known"),
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="return_verdict_is_known"),
            models.CheckConstraint(condition=Q(refund_plan__in=RefundPlan.values), name="refund_plan_is_known"),
            models.CheckConstraint(condition=Q(refund_to__in=RefundTo.values), name="refund_goes_somewhere_known"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="return_currency_is_a_code"),
            models.CheckConstraint(condition=Q(fee__gte=0, fee__lt=MONEY_LIMIT), name="return_fee_is_sane"),
            models.CheckConstraint(
                condition=Q(order__isnull=False) | Q(proof__in=["NONE", "GIFT", "RECEIPT"]),
                name="only_a_blind_return_has_no_order",
            ),
            models.CheckConstraint(
                condition=~Q(status="COMPLETED") | Q(approved_at__isnull=False),
                name="only_an_approved_return_completes",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", ended_at__isnull=True) | (~Q(status="OPEN") & Q(ended_at__isnull=False)),
                name="an_ended_return_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=("order", "-id"), name="return_by_order", condition=Q(order__isnull=False)),
            models.Index(fields=("status", "-id"), name="return_by_status"),
            models.Index(fields=("channel", "-id"), name="return_by_channel"),
            models.Index(fields=("location", "-id"), name="return_by_location"),
            models.Index(fields=("buyer_email", "-id"), name="return_by_email", condition=~Q(buyer_email="")),
            models.Index(fields=("buyer_ref", "-id"), name="return_by_buyer", condition=~Q(buyer_ref="")),
            models.Index(
                fields=("-id",), name="return_undecided", condition=Q(status="OPEN", approved_at__isnull=True)
            ),
            models.Index(
                fields=("expires_at",), name="return_expiring", condition=Q(status="OPEN", expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> Subject:
        return Subject("return", str(self.pk), self.number)

    @property
    def waits_for_approval(self) -> bool:
        return self.status == ReturnStatus.OPEN and self.approved_at is None


class ReturnLineQuerySet(ScopedQuerySet):
    channel_path = "request__channel__code"

    def for_user(self, user: Any) -> Self:
        return self.filter(request__in=ReturnRequest.objects.for_user(user))

    def standing(self) -> Self:
        """Lines whose units count against what was bought: all but those that were refused or called off."""
        return self.exclude(request__status=ReturnStatus.DECLINED)


class ReturnLine(models.Model):
    """Units of one article on their way back, on two axes that move on their own: reception and acceptance.

    The units always add up: of `quantity`, some were `received`, some the customer keeps although refunded (`kept`),
    some will never come (`gone`: called off, lost, never sent, short), and the rest is awaited. What was received or is
    kept is `accepted` or `rejected` by an inspection. `unit_value` is what the customer paid for one, tax included.
    """

    request = models.ForeignKey(ReturnRequest, on_delete=models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    ref = models.CharField(max_length=120, blank=True, help_text="The channel's own id of the line")
    order_line = models.ForeignKey(
        OrderLine, null=True, on_delete=models.PROTECT, related_name="return_lines", db_index=False
    )
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=255, blank=True)

    quantity = models.PositiveIntegerField()
    received = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    sent_back = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Rejected units that went to the customer again"
    )
    unexpected = models.BooleanField(default=False, help_text="Nobody had asked for it: it was in the parcel")

    reason = models.CharField(max_length=16, choices=ReturnReason, default=ReturnReason.UNKNOWN)
    reason_text = models.CharField(max_length=1000, blank=True, help_text="In the customer's words")
    condition = models.CharField(max_length=10, choices=Condition, blank=True, help_text="As they say it is")
    serials = ArrayField(models.CharField(max_length=120), default=list, blank=True)

    reception = models.CharField(max_length=10, choices=Reception, default=Reception.AWAITING)
    acceptance = models.CharField(max_length=8, choices=Acceptance, default=Acceptance.PENDING)

    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.ELIGIBLE)
    rule = models.CharField(max_length=40, blank=True)
    why = models.CharField(max_length=300, blank=True)
    return_by = models.DateTimeField(null=True, help_text="The end of its window")
    unit_value = MoneyField(default=0)
    restocking_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, help_text="Taken off what is refunded for it"
    )

    objects = ReturnLineQuerySet.as_manager()

    class Meta:
        ordering = ("request", "position")
        constraints = [
            models.UniqueConstraint(fields=("request", "position"), name="return_lines_are_numbered"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MAX_QUANTITY), name="return_units_are_sane"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("received") + F("kept") + F("gone")), name="the_units_of_a_return_add_up"
            ),
            models.CheckConstraint(
                condition=Q(accepted__lte=F("received") + F("kept") - F("rejected")),
                name="only_what_came_or_is_kept_is_judged",
            ),
            models.CheckConstraint(
                condition=Q(sent_back__lte=F("rejected")), name="only_what_was_rejected_is_sent_back"
            ),
            models.CheckConstraint(condition=Q(reception__in=Reception.values), name="reception_is_known"),
            models.CheckConstraint(condition=Q(acceptance__in=Acceptance.values), name="acceptance_is_known"),
            models.CheckConstraint(condition=Q(reason__in=ReturnReason.values), name="return_reason_is_known"),
            models.CheckConstraint(condition=Q(condition__in=["", *Condition.values]), name="said_condition_is_known"),
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="return_line_verdict_is_known"),
            models.CheckConstraint(
                condition=Q(unit_value__gte=0, unit_value__lt=MONEY_LIMIT), name="return_value_is_sane"
            ),
            models.CheckConstraint(
                condition=Q(restocking_percent__gte=0, restocking_percent__lte=100), name="restocking_fee_is_a_share"
            ),
        ]
        indexes = [
            models.Index(fields=("order_line",), name="return_line_by_bought", condition=Q(order_line__isnull=False)),
            models.Index(
                fields=("request",),
                name="return_line_undecided",
                condition=Q(received__gt=F("accepted") + F("rejected") - F("kept")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku or self.title}"

    @property
    def awaited(self) -> int:
        """Units that are still to come."""
        return self.quantity - self.received - self.kept - self.gone

    @property
    def undecided(self) -> int:
        """Units that came or are kept, and nobody has judged."""
        return self.received + self.kept - self.accepted - self.rejected
