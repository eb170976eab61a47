"""Units that are told apart: by the lot they came in, or each by its own serial number."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item, Tracking
from inventory.models.locations import Location
from inventory.models.stock import INSIDE, MAX_UNITS, State, StockMovement

MAX_CODE = 100


class LotQuerySet(ScopedQuerySet):
    """Like items, they belong to no site; where their units lie does (LotStock)."""


class Lot(models.Model):
    """A lot of an item, or the one unit that a serial number names: a serial is a lot of one.

    `single` says which, and `tracking` is the item's own, kept equal by a composite foreign key (migration 0003): once
    units of an item were told apart, they stay so.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="lots", db_index=False)
    code = models.CharField(max_length=MAX_CODE, help_text="The lot number or the serial number")
    tracking = models.CharField(max_length=6, choices=Tracking, editable=False)
    single = models.BooleanField(editable=False)
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = LotQuerySet.as_manager()

    class Meta:
        ordering = ("item", "code")
        constraints = [
            models.UniqueConstraint(fields=("item", "code"), name="a_lot_code_means_one_lot_of_an_item"),
            models.UniqueConstraint(fields=("id", "single"), name="lot_with_its_size_rule"),
            models.CheckConstraint(
                condition=Q(tracking=Tracking.SERIAL, single=True) | Q(tracking=Tracking.LOT, single=False),
                name="a_serial_is_a_lot_of_one",
            ),
        ]
        indexes = [models.Index(fields=("code",), name="lot_by_code")]

    def __str__(self) -> str:
        return self.code


class LotStockQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class LotStock(models.Model):
    """Units of a lot in one state at one location: the projection of LotStep, written under the stock row's lock.

    A serial is in one place and one state, once: a partial unique index holds it across locations.
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="stock", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State)
    quantity = models.IntegerField()
    single = models.BooleanField(editable=False)

    objects = LotStockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "lot stock"
        constraints = [
            models.UniqueConstraint(fields=("lot", "location", "state"), name="one_row_per_lot_location_and_state"),
            models.UniqueConstraint(
                fields=("lot",), condition=Q(single=True, quantity__gt=0), name="a_serial_is_in_one_place"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, quantity__lte=MAX_UNITS), name="lot_stock_is_neither_negative_nor_absurd"
            ),
            models.CheckConstraint(condition=Q(single=False) | Q(quantity__lte=1), name="a_serial_is_one_unit"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in INSIDE]), name="lot_stock_lies_with_us"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of lot {self.lot_id} at {self.location_id}: {self.state}"


class LotStep(models.Model):
    """Which units a movement moved, where its item is tracked. Append-only; adds up to the movement's quantity."""

    movement = models.ForeignKey(StockMovement, on_delete=models.PROTECT, related_name="lots", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="steps")
    quantity = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("movement", "lot"), name="a_movement_names_a_lot_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MAX_UNITS), name="lot_step_is_positive_and_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of lot {self.lot_id} by movement {self.movement_id}"
