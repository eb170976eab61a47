"""One node's share of an order, from promise to dispatch."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Item, Location
from orders.models.order import Order, OrderLine


class FulfilmentStatus(models.TextChoices):
    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    PICKING = "PICKING"
    PICKED = "PICKED"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    READY = "READY", "Ready to collect"
    COLLECTED = "COLLECTED"
    UNCOLLECTED = "UNCOLLECTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class FulfilmentMethod(models.TextChoices):
    """How the units of one node's work reach the customer. An order's own method is SHIP or PICKUP alone."""

    SHIP = "SHIP", "Sent"
    PICKUP = "PICKUP", "Collected"
    SHIP_TO_STORE = "SHIP_TO_STORE", "Sent to the store, collected there"
    DROPSHIP = "DROPSHIP", "Sent by the supplier"


COLLECTED_HERE = frozenset({FulfilmentMethod.PICKUP, FulfilmentMethod.SHIP_TO_STORE})

S = FulfilmentStatus
# Work somebody still has to do at the node.
ACTIVE = frozenset({S.OPEN, S.ACCEPTED, S.PICKING, S.PICKED, S.PACKED, S.READY})
# The units are with the customer or on their way.
GONE = frozenset({S.SHIPPED, S.DELIVERED, S.COLLECTED})
ENDED = frozenset({S.REJECTED, S.CANCELLED, S.UNCOLLECTED})


class FulfilmentQuerySet(ScopedQuerySet):
    site_path = "location__site_id"
    channel_path = "order__channel__code"

    def active(self) -> FulfilmentQuerySet:
        return self.filter(status__in=ACTIVE)


class FulfilmentOrder(StateMachine):
    """What to pick at one node, by when, and how it leaves. Changed only by services, under the order's lock."""

    MOVES = {
        S.OPEN: {S.ACCEPTED, S.REJECTED, S.CANCELLED},
        # A partner says no more than that it has sent: picking and packing are its own business.
        S.ACCEPTED: {S.PICKING, S.SHIPPED, S.REJECTED, S.CANCELLED},
        S.PICKING: {S.PICKED, S.REJECTED, S.CANCELLED},
        S.PICKED: {S.PACKED, S.READY, S.CANCELLED},
        S.PACKED: {S.SHIPPED, S.CANCELLED},
        S.SHIPPED: {S.DELIVERED},
        S.READY: {S.COLLECTED, S.UNCOLLECTED, S.CANCELLED},
    }

    number = models.CharField(max_length=30, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfilments", db_index=False)
    sequence = models.PositiveSmallIntegerField()
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="fulfilments", db_index=False)
    method = models.CharField(max_length=13, choices=FulfilmentMethod, default=FulfilmentMethod.SHIP)
    status = models.CharField(max_length=11, choices=FulfilmentStatus, default=FulfilmentStatus.OPEN)
    version = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True)
    picked_at = models.DateTimeField(null=True)
    packed_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    worked_by = models.CharField(max_length=200, blank=True)
    ended_reason = models.CharField(max_length=255, blank=True)
    risk_judged_at = models.DateTimeField(null=True, help_text="When another node was last looked for in time")

    objects = FulfilmentQuerySet.as_manager()

    class Meta:
        verbose_name = "fulfilment order"
        permissions = [
            ("work_fulfilment", "Can pick, pack and ship"),
            ("cancel_fulfilment", "Can cancel or reject work"),
        ]
        constraints = [
            models.UniqueConstraint(fields=("order", "sequence"), name="fulfilments_of_an_order_are_numbered"),
            models.CheckConstraint(condition=Q(status__in=FulfilmentStatus.values), name="fulfilment_status_is_known"),
            models.CheckConstraint(condition=Q(method__in=FulfilmentMethod.values), name="fulfilment_method_is_known"),
        ]
        indexes = [
            models.Index(
                fields=("location", "due_at", "id"), name="fulfilment_due", condition=Q(status__in=sorted(ACTIVE))
            ),
            models.Index(fields=("location", "-id"), name="fulfilment_by_location"),
            models.Index(fields=("shipped_at",), name="fulfilment_shipped", condition=Q(shipped_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number


class FulfilmentLineQuerySet(ScopedQuerySet):
    site_path = "location__site_id"
    channel_path = "order_line__order__channel__code"


class FulfilmentLine(models.Model):
    """Units of one order line promised by one node, each backed by one reservation.

    It exists from allocation on; `fulfilment` is empty until the order is released to the node. `quantity` is what is
    still to leave from here or has left; what fell short or was cancelled is taken off it (zero keeps the history).
    Of a kit it counts kits: each of its parts has a FulfilmentPart with a reservation of its own, and
    `reservation_id` is that of the first.
    """

    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="fulfilment_lines")
    fulfilment = models.ForeignKey(FulfilmentOrder, null=True, on_delete=models.PROTECT, related_name="lines")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_kit = models.BooleanField(default=False, db_default=False)
    reservation_id = models.BigIntegerField(unique=True)
    quantity = models.PositiveIntegerField()
    picked = models.PositiveIntegerField(default=0)
    codes = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), help_text="Lots or serials picked, by scan"
    )
    shipped = models.BooleanField(default=False)
    promised = models.PositiveIntegerField(help_text="Units at allocation; never changes")
    created_at = models.DateTimeField(default=timezone.now)

    objects = FulfilmentLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(picked__lte=F("quantity"), quantity__lte=F("promised"), promised__gt=0),
                name="no_more_is_picked_than_promised",
            ),
            models.CheckConstraint(
                condition=Q(shipped=False) | Q(fulfilment__isnull=False, quantity__gt=0),
                name="only_released_units_ship",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id} at {self.location_id}"

    @property
    def wanted(self) -> int:
        return self.quantity

    @property
    def slots(self) -> list[FulfilmentLine | FulfilmentPart]:
        """What is taken off the shelf for it, each counted for itself: the units, or a kit's parts."""
        return list(self.parts.all()) if self.is_kit else [self]

    def promises(self, units: int) -> list[tuple[int, int]]:
        """(reservation, quantity) behind so many of its units."""
        if not self.is_kit:
            return [(self.reservation_id, units)]
        return [(part.reservation_id, units * part.per_kit) for part in self.parts.all()]

    def recount(self) -> None:
        """After units were picked or taken off: no more is picked than wanted, a kit once all its parts are."""
        for slot in self.slots:
            slot.picked = min(slot.picked, slot.wanted)
            slot.codes = slot.codes[: slot.picked]
        if self.is_kit:
            self.picked = min(part.picked // part.per_kit for part in self.parts.all())


class FulfilmentPart(models.Model):
    """One part of the kits of a fulfilment line: what is really taken off the shelf."""

    fulfilment_line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, related_name="parts", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    reservation_id = models.BigIntegerField(unique=True)
    per_kit = models.PositiveIntegerField(help_text="As the kit was made up at allocation; never changes")
    picked = models.PositiveIntegerField(default=0)
    codes = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), help_text="Lots or serials picked, by scan"
    )

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=("fulfilment_line", "item"), name="a_kit_line_has_each_part_once"),
            models.CheckConstraint(condition=Q(per_kit__gt=0), name="a_kit_takes_some_of_each_part"),
        ]

    def __str__(self) -> str:
        return f"{self.per_kit} of {self.item_id} in each of {self.fulfilment_line_id}"

    @property
    def wanted(self) -> int:
        return self.fulfilment_line.quantity * self.per_kit


class ShortReason(models.TextChoices):
    """The reasons that are built in; ShortRule rows override what they do and add others."""

    NOT_FOUND = "NOT_FOUND", "Not found"
    MISMATCH = "MISMATCH", "Fewer than the system says"
    DAMAGED = "DAMAGED", "Damaged"
    ON_DISPLAY = "ON_DISPLAY", "On display"
    NO_TIME = "NO_TIME", "No time"


class ShortPick(models.Model):
    """Units a node could not find when it came to picking, and what that did to its stock."""

    fulfilment_line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, related_name="short_picks")
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=20)
    title = models.CharField(max_length=60, blank=True, db_default="", help_text="The reason's words at the time")
    moved = models.PositiveIntegerField(default=0, help_text="Units taken out of sellable stock because of it")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="short_quantity_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} short: {self.reason}"
