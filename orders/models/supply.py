"""Units an order waits for: what was back-ordered, and the delivery that will bring it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from inventory.models import Item, Location
from orders.models.order import Order, OrderLine


class BackOrderStatus(models.TextChoices):
    WAITING = "WAITING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    MOVED = "MOVED", "Moved to another delivery"


B = BackOrderStatus


class BackOrderQuerySet(ScopedQuerySet):
    channel_path = "order_line__order__channel__code"

    def for_sites(self, sites: frozenset[int] | None) -> BackOrderQuerySet:
        if sites is None:
            return self.all()
        return self.filter(Q(location__site__in=sites) | Q(order_line__order__in=Order.objects.for_sites(sites)))

    def waiting(self) -> BackOrderQuerySet:
        return self.filter(status=B.WAITING)


class BackOrder(StateMachine):
    """Units of one order line promised from one expected delivery. Changed only by services, under the order's lock.

    The line's `backordered` is the sum of its waiting rows. `quantity` is what still waits; units that were filled,
    cancelled or moved to another delivery are taken off it, and the last of them ends the row. `promise_by` is what
    the customer can be told because of it: the delivery's `due_at` and the way from there.
    """

    MOVES = {B.WAITING: {B.FILLED, B.CANCELLED, B.MOVED}}

    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="backorders")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    receipt_id = models.BigIntegerField(help_text="The expected delivery of inventory")
    transfer = models.BooleanField(default=False, help_text="Brought to the pickup store by a transfer of ours")
    asked = models.PositiveIntegerField(help_text="Units at first; never changes")
    quantity = models.PositiveIntegerField()
    filled = models.PositiveIntegerField(default=0)
    first_due_at = models.DateTimeField(help_text="When the delivery was due as this was promised; never changes")
    due_at = models.DateTimeField()
    promise_by = models.DateTimeField()
    status = models.CharField(max_length=9, choices=BackOrderStatus, default=B.WAITING)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=255, blank=True)

    objects = BackOrderQuerySet.as_manager()

    class Meta:
        verbose_name = "back-order"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=B.values), name="backorder_status_is_known"),
            models.CheckConstraint(
                condition=Q(status="WAITING", quantity__gt=0, ended_at__isnull=True)
                | (~Q(status="WAITING") & Q(quantity=0, ended_at__isnull=False)),
                name="a_backorder_waits_while_units_do",
            ),
            models.CheckConstraint(
                condition=Q(asked__gte=models.F("quantity") + models.F("filled")), name="backorder_units_add_up"
            ),
            models.UniqueConstraint(
                fields=("order_line", "receipt_id"),
                condition=Q(status="WAITING"),
                name="a_line_waits_for_a_delivery_once",
            ),
        ]
        indexes = [
            models.Index(fields=("receipt_id",), name="backorder_of_delivery", condition=Q(status="WAITING")),
            models.Index(fields=("due_at", "id"), name="backorder_waiting", condition=Q(status="WAITING")),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id} by {self.due_at:%Y-%m-%d}"

    @property
    def slipped(self) -> bool:
        """Is it due later than it was promised from?"""
        return self.due_at > self.first_due_at
