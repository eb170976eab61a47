"""What providers say they paid out: the files as they came, payouts, their lines, and what every label means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.subjects import Subject
from finance.models.entity import Entity


class LineKind(models.TextChoices):
    """What a line of a settlement is. The first eight are matched with our books; the others are classified."""

    PAYMENT = "payment", "Payment"
    SALE = "sale", "Sale"
    TAX = "tax", "Tax"
    SHIPPING = "shipping", "Shipping"
    DISCOUNT = "discount", "Discount"
    REFUND = "refund", "Refund"
    CHARGEBACK = "chargeback", "Chargeback"
    REVERSAL = "reversal", "Chargeback reversed"
    FEE = "fee", "Fee"
    TAX_WITHHELD = "tax_withheld", "Tax withheld"
    ADJUSTMENT = "adjustment", "Adjustment"
    RESERVE = "reserve", "Held or released"
    CONVERSION = "conversion", "Currency conversion"
    TRANSFER = "transfer", "Transfer between balances"
    PAYOUT = "payout", "Payout to the bank"
    IGNORED = "ignored", "No money moved"


INCOMING = (LineKind.PAYMENT, LineKind.SALE, LineKind.TAX, LineKind.SHIPPING, LineKind.DISCOUNT)
MATCHED = (*INCOMING, LineKind.REFUND, LineKind.CHARGEBACK, LineKind.REVERSAL)


class FileStatus(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    IMPORTED = "IMPORTED", "Imported"
    REFUSED = "REFUSED", "Not imported"
    DISCARDED = "DISCARDED", "Discarded"


class PayoutState(models.TextChoices):
    PAID = "paid", "Paid"
    IN_TRANSIT = "in_transit", "On its way"
    SCHEDULED = "scheduled", "Scheduled"
    PENDING = "pending", "Not in a payout yet"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class FinanceQuerySet(ScopedQuerySet):
    """Payouts belong to the whole company: whoever may see them sees them all."""


class SettlementFile(models.Model):
    """A file as it came, kept once by its hash. `terms` is how it was stated to be read, `faults` what was wrong."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    provider = models.SlugField(max_length=40)
    account = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=150)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=9, choices=FileStatus, default=FileStatus.WAITING)
    terms = models.JSONField(default=dict, blank=True)
    faults = models.JSONField(default=list, blank=True, help_text="[{rule, row, message}]")
    connection_uid = models.CharField(max_length=64, blank=True)
    owner_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    imported_at = models.DateTimeField(null=True)

    objects = FinanceQuerySet.as_manager()

    class Meta:
        permissions = [("import_settlement", "Can import settlement files and bank statements")]
        constraints = [
            models.UniqueConstraint(fields=("provider", "sha256"), name="a_settlement_file_is_kept_once"),
            models.CheckConstraint(condition=Q(status__in=FileStatus.values), name="settlement_file_status_is_known"),
        ]
        indexes = [models.Index(fields=("-created_at", "id"), name="settlement_file_by_time")]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject("settlement_file", str(self.pk), self.name)


class LabelMapping(models.Model):
    """What a provider's label means from this version on. Append-only: a change of mind is the next version.

    The meaning in force is that of the highest version. A label nobody has mapped means nothing: its line is a case.
    """

    provider = models.SlugField(max_length=40)
    version = models.PositiveIntegerField()
    label = models.CharField(max_length=160)
    kind = models.CharField(max_length=12, choices=LineKind)
    note = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    objects = FinanceQuerySet.as_manager()

    class Meta:
        permissions = [("map_labels", "Can say what a provider's labels mean")]
        constraints = [
            models.UniqueConstraint(fields=("provider", "label", "version"), name="a_label_means_one_thing_a_version"),
            models.CheckConstraint(condition=Q(kind__in=LineKind.values), name="label_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.label} is {self.kind}"


class Settlement(models.Model):
    """One payout of one provider, with every line in it.

    `payout` is what reached, or is to reach, the bank; `carried` what stayed on the provider's balance. What they are
    made of is held by the database itself: `matched`, `fees`, `other` and `written_off` follow the lines by trigger,
    and `residual` is what is left of the payout after them.
    """

    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="settlements", db_index=False)
    provider = models.SlugField(max_length=40)
    account = models.CharField(max_length=120, blank=True)
    ref = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    stated = models.BooleanField(
        default=True, help_text="A figure beyond its own rows says what it comes to: its provider's, or a person's"
    )
    opening = MoneyField(null=True, help_text="The provider's balance before its first row")
    closing = MoneyField(null=True, help_text="The provider's balance after its last row")
    entity = models.ForeignKey(
        Entity, null=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="Whose books it is in; empty: the first one's",
    )  # fmt: skip
    state = models.CharField(max_length=10, choices=PayoutState, default=PayoutState.PAID)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    paid_on = models.DateField(null=True)
    label_version = models.PositiveIntegerField(default=0)
    controls = models.JSONField(default=dict, help_text="Figures the file states about itself, as text")
    faults = models.JSONField(default=list, help_text="[{rule, row, message}]")
    lines_count = models.PositiveIntegerField(default=0)
    matchable = models.PositiveIntegerField(default=0, help_text="Lines that are matched with the books, by trigger")

    payout = MoneyField()
    carried = MoneyField(default=0)
    matched = MoneyField(default=0)
    fees = MoneyField(default=0, help_text="Signed as they move the payout: what was taken is negative")
    other = MoneyField(default=0)
    written_off = MoneyField(default=0)
    banked = MoneyField(default=0, help_text="What bank lines say arrived of it")
    exchange = MoneyField(default=0, help_text="What of `matched` the exchange made; below zero, lost")
    rates = models.JSONField(default=list, help_text="Rates its postings go by: [{given, wanted, on, rate or null}]")
    unrated = models.BooleanField(default=False, help_text="A rate its postings need was stated by nobody")
    residual = models.GeneratedField(
        expression=F("payout") + F("carried") - F("matched") - F("fees") - F("other") - F("written_off"),
        output_field=MoneyField(),
        db_persist=True,
    )

    version = models.PositiveIntegerField(default=1)
    imported_at = models.DateTimeField(db_default=Now())
    matched_at = models.DateTimeField(null=True)
    balanced_at = models.DateTimeField(null=True)

    objects = FinanceQuerySet.as_manager()

    class Meta:
        permissions = [
            ("match_settlement", "Can confirm, split and undo matches"),
            ("write_off_settlement", "Can write off small differences"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("provider", "account", "ref", "currency"), name="a_payout_is_imported_once"
            ),
            models.CheckConstraint(condition=Q(state__in=PayoutState.values), name="payout_state_is_known"),
        ]
        indexes = [
            models.Index(fields=("-id",), name="settlement_open", condition=~Q(residual=0)),
            models.Index(fields=("provider", "-id"), name="settlement_by_provider"),
            models.Index(fields=("state", "-id"), name="settlement_by_state"),
            models.Index(fields=("currency", "payout"), name="settlement_by_payout"),
            models.Index(fields=("ref",), name="settlement_by_ref"),
            models.Index(fields=("-id",), name="settlement_unrated", condition=Q(unrated=True)),
            models.Index(fields=("-id",), name="settlement_unbanked", condition=~Q(banked=F("payout"))),
            models.Index(fields=("-id",), name="settlement_unstated", condition=Q(stated=False)),
            models.Index(
                fields=("provider", "account", "currency", "ends_at"),
                name="settlement_by_balance",
                condition=Q(closing__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.ref}"

    @property
    def subject(self) -> Subject:
        return Subject("settlement", str(self.pk), f"Payout {self.ref}")

    @property
    def proven(self) -> bool:
        """Something beyond its own rows says what it comes to: a figure that is stated, or the bank."""
        return self.stated or (self.banked == self.payout != 0)


# Of these nothing beyond their own rows says what they come to.
NOT_PROVEN = Q(stated=False) & (~Q(banked=F("payout")) | Q(payout=0))


class SettlementLine(models.Model):
    """One movement in a payout, as the provider states it. Its figures and ids never change; ids are text.

    net = gross - fee, all in the payout's currency. `matched` and `written_off` follow the matches by trigger.
    """

    settlement = models.ForeignKey(Settlement, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    row = models.PositiveIntegerField(default=0, help_text="The row of the file, or the place in the list")
    label = models.CharField(max_length=160)
    kind = models.CharField(max_length=12, blank=True, help_text="Empty while nobody knows what the label means")
    ref = models.CharField(max_length=120, blank=True, help_text="The provider's key of this movement")
    payment_ref = models.CharField(max_length=120, blank=True)
    refund_ref = models.CharField(max_length=120, blank=True)
    order_ref = models.CharField(max_length=120, blank=True)
    shipment_ref = models.CharField(max_length=120, blank=True)
    line_ref = models.CharField(max_length=120, blank=True)
    sku = models.CharField(max_length=120, blank=True)
    method = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(null=True)
    gross = MoneyField()
    fee = MoneyField(default=0)
    net = MoneyField()
    parts = models.JSONField(default=dict, help_text="What the fee is made of, where the file says so")
    presentment_amount = MoneyField(null=True)
    presentment_currency = models.CharField(max_length=3, blank=True)
    matched = MoneyField(default=0)
    written_off = MoneyField(default=0)
    taken = models.GeneratedField(
        expression=F("matched") + F("written_off"), output_field=MoneyField(), db_persist=True
    )

    objects = FinanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("settlement", "position"), name="settlement_lines_are_numbered"),
            models.CheckConstraint(condition=Q(net=F("gross") - F("fee")), name="a_settlement_line_adds_up"),
            models.CheckConstraint(condition=Q(kind="") | Q(kind__in=LineKind.values), name="line_kind_is_known"),
            models.CheckConstraint(
                condition=Q(gross__gte=0, taken__gte=0, taken__lte=F("gross"))
                | Q(gross__lt=0, taken__lte=0, taken__gte=F("gross")),
                name="no_more_of_a_line_is_matched_than_there_is",
            ),
        ]
        indexes = [
            models.Index(fields=("ref",), name="line_by_ref", condition=~Q(ref="")),
            models.Index(fields=("payment_ref",), name="line_by_payment", condition=~Q(payment_ref="")),
            models.Index(fields=("refund_ref",), name="line_by_refund", condition=~Q(refund_ref="")),
            models.Index(fields=("order_ref",), name="line_by_order", condition=~Q(order_ref="")),
            models.Index(fields=("settlement", "label", "position"), name="line_by_label"),
            models.Index(fields=("label",), name="line_unknown", condition=Q(kind="")),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.net}"


class MatchStatus(models.TextChoices):
    CONFIRMED = "CONFIRMED", "Confirmed"
    SUGGESTED = "SUGGESTED", "Suggested"
    UNDONE = "UNDONE", "Undone"
    DECLINED = "DECLINED", "Declined"


class MatchKey(models.TextChoices):
    """By what a match was found; the order is that in which they are tried."""

    PAYMENT = "payment", "Payment id"
    ORDER = "order", "Order"
    REFUND = "refund", "Refund id"
    SHIPMENT = "shipment", "Shipment id"
    LIKENESS = "likeness", "Amount, date and SKU"
    PERSON = "person", "A person"


class Match(models.Model):
    """Lines and the books' entries that are the same money. An undone match stays, and takes nothing any more."""

    settlement = models.ForeignKey(
        Settlement, on_delete=models.CASCADE, related_name="matches", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=9, choices=MatchStatus)
    key = models.CharField(max_length=8, choices=MatchKey)
    shape = models.CharField(max_length=3, default="1:1")
    difference = MoneyField(default=0, help_text="What the lines say beyond the books")
    evidence = models.JSONField(default=dict)
    actor_label = models.CharField(max_length=200, blank=True)
    actor_uid = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    objects = FinanceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "matches"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=MatchStatus.values), name="match_status_is_known"),
            models.CheckConstraint(condition=Q(key__in=MatchKey.values), name="match_key_is_known"),
        ]
        indexes = [
            models.Index(fields=("settlement", "id"), name="match_by_settlement"),
            models.Index(fields=("settlement", "-id"), name="match_suggested", condition=Q(status="SUGGESTED")),
            models.Index(fields=("settlement", "-id"), name="match_by_person", condition=Q(key="person")),
        ]

    def __str__(self) -> str:
        return f"{self.shape} by {self.key}"


class MatchSide(models.Model):
    """So much of a line is so much of one of the books' entries; without an entry it is written off.

    `amount` is in the payout's currency, `booked` in the entry's own. `live` while the match is confirmed: only then
    does it count. The database refuses to take more of a line or an entry than there is, and sides that name what isn't
    there or belongs to another payout or order: a trigger looks at all the sides of a statement at once, where foreign
    keys would look at each of a million rows five times.
    """

    match = models.ForeignKey(
        Match, on_delete=models.CASCADE, related_name="sides", db_index=False, db_constraint=False
    )
    line = models.ForeignKey(
        SettlementLine, on_delete=models.CASCADE, related_name="sides", db_index=False, db_constraint=False
    )
    payment = models.ForeignKey(
        "orders.Payment", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    charge = models.ForeignKey(
        "finance.Charge", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    order = models.ForeignKey(
        "orders.Order", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    amount = MoneyField()
    written_off = MoneyField(default=0)
    booked = MoneyField(default=0)
    live = models.BooleanField(default=True)

    objects = FinanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(payment__isnull=True) | Q(charge__isnull=True), name="a_match_side_has_one_entry"
            ),
        ]
        indexes = [
            models.Index(fields=("line",), name="side_by_line"),
            models.Index(fields=("match",), name="side_by_match"),
            models.Index(fields=("payment",), name="side_by_payment", condition=Q(payment__isnull=False)),
            models.Index(fields=("charge",), name="side_by_charge", condition=Q(charge__isnull=False)),
            models.Index(
                fields=("order",),
                name="side_by_bare_order",
                condition=Q(order__isnull=False, payment__isnull=True, charge__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of line {self.line_id}"


class BankStatement(models.Model):
    """One statement of one account as the bank sent it, kept once by its hash."""

    name = models.CharField(max_length=150)
    form = models.CharField(max_length=8, help_text="camt053, mt940 or csv")
    account = models.CharField(max_length=60, blank=True)
    ref = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    opening = MoneyField(null=True)
    closing = MoneyField(null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64, unique=True)
    faults = models.JSONField(default=list)
    owner_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = FinanceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject("bank_statement", str(self.pk), self.name)


class BankLine(models.Model):
    """One entry of a bank statement. `settlement` is the payout it is; how that was found stands in `evidence`."""

    statement = models.ForeignKey(BankStatement, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=64, unique=True, help_text="The same entry in two statements counts once")
    booked_on = models.DateField()
    value_on = models.DateField(null=True)
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    original_amount = MoneyField(null=True, help_text="What was sent, where the bank turned it into its currency")
    original_currency = models.CharField(max_length=3, blank=True)
    text = models.CharField(max_length=500, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    ref = models.CharField(max_length=120, blank=True)
    refs = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    status = models.CharField(max_length=9, choices=MatchStatus, blank=True)
    settlement = models.ForeignKey(
        Settlement, null=True, on_delete=models.PROTECT, related_name="bank_lines", db_index=False
    )
    evidence = models.JSONField(default=dict)
    actor_label = models.CharField(max_length=200, blank=True)

    objects = FinanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("statement", "position"), name="bank_lines_are_numbered"),
            models.CheckConstraint(
                condition=~Q(status__in=("CONFIRMED", "SUGGESTED")) | Q(settlement__isnull=False),
                name="a_matched_bank_line_has_its_payout",
            ),
            models.CheckConstraint(
                condition=Q(original_amount__isnull=True, original_currency="")
                | Q(original_amount__isnull=False, original_currency__regex="^[A-Z]{3}$")
                & ~Q(original_currency=F("currency")),
                name="a_converted_bank_line_says_from_what",
            ),
        ]
        indexes = [
            models.Index(fields=("settlement",), name="bank_line_by_payout", condition=Q(settlement__isnull=False)),
            models.Index(fields=("-booked_on", "-id"), name="bank_line_by_day"),
            models.Index(fields=("status", "-booked_on", "-id"), name="bank_line_by_status"),
            GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), name="bank_line_by_words"),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount} {self.currency}"

    def worth(self, currency: str) -> Decimal | None:
        """What it is in that currency: as it was booked, or as it was sent; None where it was neither."""
        return (
            self.amount
            if currency == self.currency
            else (self.original_amount if currency == self.original_currency else None)
        )


def subject_of(row: dict[str, Any]) -> Subject:
    """The subject of a settlement given as a row of values."""
    return Subject("settlement", str(row["id"]), f"Payout {row['ref']}")
