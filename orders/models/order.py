"""An order and its lines: what was bought, and where every unit of it stands."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.utils import timezone

from core.fields import MoneyField
from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Item, Location
from orders.canonical import MAX_QUANTITY
from orders.models.channel import Channel

MONEY_LIMIT = 10**15
OWED = ("pending", "partially_paid", "unknown", "voided")  # payment states in which somebody owes us for an order


class OrderStatus(models.TextChoices):
    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class PaymentState(models.TextChoices):
    """What the source last said about the money; the facts are the Payments."""

    PENDING = "pending", "Pending"
    AUTHORISED = "authorised", "Authorised"
    PARTIALLY_PAID = "partially_paid", "Partially paid"
    PAID = "paid", "Paid"
    PARTIALLY_REFUNDED = "partially_refunded", "Partially refunded"
    REFUNDED = "refunded", "Refunded"
    VOIDED = "voided", "Voided"
    UNKNOWN = "unknown", "Unknown"


class Method(models.TextChoices):
    SHIP = "SHIP"
    PICKUP = "PICKUP"


class OrderQuerySet(ScopedQuerySet):
    """A person limited to sites sees the orders their sites work on.

    That is: a node of the site was promised units of it (now or before); or no node was yet, and the order is to be
    collected at the site. An unallocated order to be shipped belongs to no site, so only people without a limit see it.
    """

    channel_path = "channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        if sites is None:
            return self.all()
        from orders.models.fulfilment import FulfilmentLine

        promised = FulfilmentLine.objects.filter(order_line__order=OuterRef("pk"))
        return self.filter(
            Exists(promised.filter(location__site__in=sites)) | (Q(pickup_location__site__in=sites) & ~Exists(promised))
        )

    def unallocated(self) -> Self:
        """Orders with units no node has promised, apart from lines whose SKU nobody knows."""
        waiting = OrderLine.objects.filter(
            order=OuterRef("pk"), open__gt=0, item__isnull=False, requires_shipping=True, gift_card=False
        )
        return self.filter(Exists(waiting), test=False).exclude(status=OrderStatus.CANCELLED)


class Order(StateMachine):
    """One purchase at one channel, once, for ever: (channel, channel_ref) is unique.

    Everything that came from the source is a function of its winning version (`source_version`, `source_digest`), so
    updates may arrive in any order. `status` is derived by services.lifecycle from the lines and never set by hand.
    """

    MOVES = {
        OrderStatus.RECEIVED: {OrderStatus.ACCEPTED, OrderStatus.COMPLETED, OrderStatus.CANCELLED},
        OrderStatus.ACCEPTED: {OrderStatus.RECEIVED, OrderStatus.COMPLETED, OrderStatus.CANCELLED},
        # A source may add a line to a finished order, or take a cancellation back.
        OrderStatus.COMPLETED: {OrderStatus.RECEIVED, OrderStatus.ACCEPTED, OrderStatus.CANCELLED},
        OrderStatus.CANCELLED: {OrderStatus.RECEIVED, OrderStatus.ACCEPTED, OrderStatus.COMPLETED},
    }

    number = models.CharField(max_length=20, unique=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="orders", db_index=False)
    channel_ref = models.CharField(max_length=120)
    channel_number = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=9, choices=OrderStatus, default=OrderStatus.RECEIVED)
    version = models.PositiveIntegerField(default=1)

    source_version = models.BigIntegerField(help_text="The source's last change, in microseconds since 1970")
    source_digest = models.BinaryField(max_length=32)
    source_cancelled = models.BooleanField(default=False)
    stale_updates = models.PositiveIntegerField(default=0, help_text="Older or repeated updates that were dropped")
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=255, blank=True)
    cancelled_here = models.BooleanField(default=False, help_text="Cancelled by us or by a message that only cancels")

    placed_at = models.DateTimeField()
    imported_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    promise_by = models.DateTimeField(null=True)

    method = models.CharField(max_length=6, choices=Method, default=Method.SHIP)
    pickup_location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="+")
    pickup_location_code = models.CharField(max_length=120, blank=True)
    buyer_ref = models.CharField(max_length=120, blank=True)
    buyer_name = models.CharField(max_length=255, blank=True)
    buyer_email = models.CharField(max_length=255, blank=True)
    buyer_phone = models.CharField(max_length=255, blank=True)
    ship_to = models.JSONField(null=True)
    bill_to = models.JSONField(null=True)

    currency = models.CharField(max_length=3)
    tax_included = models.BooleanField(default=False)
    subtotal = MoneyField(default=0, help_text="Units ordered times their price, before discounts")
    discount_total = MoneyField(default=0)
    shipping_total = MoneyField(default=0)
    tax_total = MoneyField(default=0)
    other_total = MoneyField(default=0, help_text="Tips, duties and fees")
    total = MoneyField(null=True, help_text="As the source states it; empty while it doesn't")
    figures = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What else the source says of its money: discounts, marketplace_tax, presentment",
    )
    disagreements = ArrayField(models.TextField(), default=list, blank=True, help_text="Figures that don't add up")
    payment_state = models.CharField(max_length=18, choices=PaymentState, default=PaymentState.UNKNOWN)

    account = models.ForeignKey(
        "orders.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    account_code = models.CharField(max_length=120, blank=True, help_text="As the source names the business")
    po_number = models.CharField(max_length=120, blank=True, help_text="The buyer's own number of its purchase")
    payment_terms = models.CharField(max_length=7, blank=True, help_text="Those of the account where none were said")
    requested_ship_on = models.DateField(null=True, blank=True, help_text="Not to leave before this day")
    card_ref = models.CharField(
        max_length=120,
        blank=True,
        default="",
        db_default="",
        help_text="The source's fingerprint of the card or account paid with",
    )
    address_key = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="The same for every spelling of one delivery address",
    )
    risk = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="Who judged the risk of fraud -> {level, score, reasons, at}",
    )
    agreed = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="What was agreed here -> {was, is}: it stands until the source says something new (orders.agreed)",
    )

    language = models.CharField(
        max_length=8, blank=True, db_default="", help_text="The one it was ordered in: en, nl, de-CH"
    )
    note = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    test = models.BooleanField(default=False)
    sourcings = models.PositiveIntegerField(default=0, help_text="How often sourcing was tried")

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        permissions = [("cancel_order", "Can cancel an order"), ("release_order", "Can resolve an order's holds")]
        constraints = [
            models.UniqueConstraint(fields=("channel", "channel_ref"), name="a_channel_order_arrives_once"),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_is_known"),
            models.CheckConstraint(condition=Q(method__in=Method.values), name="order_method_is_known"),
            models.CheckConstraint(
                condition=Q(payment_state__in=PaymentState.values), name="order_payment_state_is_known"
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="order_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(
                    subtotal__gte=0,
                    discount_total__gte=0,
                    shipping_total__gte=0,
                    tax_total__gte=0,
                    other_total__gte=0,
                    subtotal__lt=MONEY_LIMIT,
                    discount_total__lt=MONEY_LIMIT,
                    shipping_total__lt=MONEY_LIMIT,
                    tax_total__lt=MONEY_LIMIT,
                    other_total__lt=MONEY_LIMIT,
                ),
                name="order_money_is_neither_negative_nor_absurd",
            ),
            models.CheckConstraint(
                condition=Q(total__isnull=True) | Q(total__gte=0, total__lt=MONEY_LIMIT),
                name="order_total_is_neither_negative_nor_absurd",
            ),
        ]
        indexes = [
            models.Index(fields=("-placed_at", "-id"), name="order_by_placed"),
            models.Index(fields=("status", "-placed_at", "-id"), name="order_by_status"),
            models.Index(fields=("channel", "-placed_at", "-id"), name="order_by_channel"),
            # The states people look for are the rare ones; what is paid is found by the others.
            models.Index(
                fields=("payment_state", "-placed_at", "-id"),
                name="order_by_rare_payment_state",
                condition=Q(
                    payment_state__in=("pending", "partially_paid", "partially_refunded", "refunded", "voided")
                ),
            ),
            models.Index(fields=("-id",), name="order_disagreeing", condition=~Q(disagreements=[])),
            models.Index(fields=("channel_number",), name="order_by_channel_number"),
            models.Index(
                fields=("account", "-placed_at", "-id"), name="order_by_account", condition=Q(account__isnull=False)
            ),
            # What an account may still owe for: what is paid leaves this index.
            models.Index(
                fields=("account",),
                name="order_owed",
                condition=Q(account__isnull=False, payment_state__in=OWED) & ~Q(status="CANCELLED"),
            ),
            models.Index(
                fields=("account_code",),
                name="order_of_unknown_account",
                condition=Q(account__isnull=True) & ~Q(account_code=""),
            ),
            models.Index(fields=("po_number",), name="order_by_po_number", condition=~Q(po_number="")),
            models.Index(
                fields=("requested_ship_on",),
                name="order_for_a_day",
                condition=Q(requested_ship_on__isnull=False, status__in=("RECEIVED", "ACCEPTED")),
            ),
            models.Index(fields=("buyer_email",), name="order_by_buyer_email", condition=~Q(buyer_email="")),
            models.Index(fields=("channel", "buyer_ref"), name="order_by_buyer_ref", condition=~Q(buyer_ref="")),
            models.Index(fields=("address_key",), name="order_by_address", condition=~Q(address_key="")),
            models.Index(fields=("card_ref",), name="order_by_card", condition=~Q(card_ref="")),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLineQuerySet(ScopedQuerySet):
    channel_path = "order__channel__code"

    def for_user(self, user: Any) -> Self:
        return self.filter(order__in=Order.objects.for_user(user))


class OrderLine(models.Model):
    """One line and the vector of its units, which always adds up: the database checks it on every write.

    `fulfilled` is the larger of what we shipped and what the source says has left; `cancelled` the largest of what the
    source, its refunds and we took off. A line the source removed stays, with nothing ordered. `agreed_units` are what
    a change here made of the `agreed_basis` units the source wanted then; a line added here has a basis of nothing.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_index=False)
    ref = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.PROTECT, related_name="order_lines")
    sku = models.CharField(max_length=120, blank=True, help_text="As the source wrote it")
    title = models.CharField(max_length=255, blank=True)
    requires_shipping = models.BooleanField(default=True)
    gift_card = models.BooleanField(default=False)

    ordered = models.PositiveIntegerField()
    open = models.PositiveIntegerField(default=0)
    allocated = models.PositiveIntegerField(default=0)
    backordered = models.PositiveIntegerField(default=0)
    fulfilled = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)

    shipped_here = models.PositiveIntegerField(default=0)
    cancelled_here = models.PositiveIntegerField(default=0)
    source_quantity = models.PositiveIntegerField(default=0)
    source_cancelled = models.PositiveIntegerField(default=0)
    source_fulfilled = models.PositiveIntegerField(default=0)
    agreed_units = models.PositiveIntegerField(null=True)
    agreed_basis = models.PositiveIntegerField(null=True)
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    unit_price = MoneyField(default=0)
    discount_total = MoneyField(default=0)
    tax_total = MoneyField(default=0)

    objects = OrderLineQuerySet.as_manager()

    class Meta:
        ordering = ("order", "position")
        constraints = [
            models.UniqueConstraint(fields=("order", "ref"), name="a_line_is_in_its_order_once"),
            models.CheckConstraint(
                condition=Q(ordered=F("open") + F("allocated") + F("backordered") + F("fulfilled") + F("cancelled")),
                name="the_units_of_a_line_add_up",
            ),
            models.CheckConstraint(condition=Q(returned__lte=F("fulfilled")), name="only_what_left_comes_back"),
            models.CheckConstraint(condition=Q(shipped_here__lte=F("fulfilled")), name="what_we_shipped_is_fulfilled"),
            models.CheckConstraint(condition=Q(ordered__lte=MAX_QUANTITY), name="line_quantity_is_sane"),
            models.CheckConstraint(
                condition=Q(agreed_units__isnull=True, agreed_basis__isnull=True)
                | Q(agreed_units__lte=MAX_QUANTITY, agreed_basis__isnull=False),
                name="what_is_agreed_has_its_basis",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, discount_total__gte=0, tax_total__gte=0)
                & Q(unit_price__lt=MONEY_LIMIT, discount_total__lt=MONEY_LIMIT, tax_total__lt=MONEY_LIMIT),
                name="line_money_is_neither_negative_nor_absurd",
            ),
        ]
        indexes = [
            models.Index(fields=("order",), name="line_waiting", condition=Q(open__gt=0)),
            models.Index(fields=("sku",), name="line_of_unknown_sku", condition=Q(item__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.ordered} × {self.sku or self.title}"
