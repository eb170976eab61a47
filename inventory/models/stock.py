"""How many units are where, and every step that brought them there."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item, Tracking
from inventory.models.locations import Location

MAX_UNITS = 1_000_000_000


class State(models.TextChoices):
    """Where a unit can be. The first five are columns of Stock (GS1 CBV dispositions), the rest the world outside."""

    SELLABLE = "sellable", "Sellable"  # sellable_accessible
    DAMAGED = "damaged", "Damaged"  # damaged
    QUARANTINED = "quarantined", "Quarantined"  # non_sellable_other
    AWAITING_INSPECTION = "awaiting_inspection", "Awaiting inspection"  # returned
    IN_TRANSIT_IN = "in_transit_in", "In transit here"  # in_transit
    SUPPLIER = "supplier", "Supplier"
    CUSTOMER = "customer", "Customer"
    SHRINKAGE = "shrinkage", "Shrinkage"
    FOUND = "found", "Found"
    OPENING = "opening", "Opening balance"


RARE = tuple(state.value for state in State if state not in (State.SELLABLE, State.SUPPLIER, State.CUSTOMER))

INSIDE = (
    State.SELLABLE,
    State.DAMAGED,
    State.QUARANTINED,
    State.AWAITING_INSPECTION,
    State.IN_TRANSIT_IN,
)
OUTSIDE = (State.SUPPLIER, State.CUSTOMER, State.SHRINKAGE, State.FOUND, State.OPENING)


class AdjustmentReason(models.TextChoices):
    """Why a balance was put right. The ledger keeps the code with the movement."""

    COUNT = "COUNT", "Counted"
    FOUND = "FOUND", "Found"
    LOST = "LOST", "Lost"
    THEFT = "THEFT", "Theft"
    DAMAGE = "DAMAGE", "Damaged beyond sale"
    EXPIRED = "EXPIRED", "Past its date"
    SAMPLE = "SAMPLE", "Sample or display"
    OWN_USE = "OWN_USE", "Own use"
    RECEIPT_ERROR = "RECEIPT_ERROR", "Receipt booked wrongly"
    LATE_SALE = "LATE_SALE", "Sale that came late"
    SHORT_PICK = "SHORT_PICK", "Short pick"
    SNAPSHOT = "SNAPSHOT", "Another system's count"
    OTHER = "OTHER", "Other (see note)"


class StockQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class Stock(models.Model):
    """The units of one item at one location: the projection of StockMovement, with `reserved` laid over `sellable`.

    Written only under the ordered lock of services.locking. `allows_backorder` is the location's flag, copied because
    a CHECK sees its own row only; a composite foreign key with ON UPDATE CASCADE (migration 0002) keeps the copy equal
    and makes the database refuse to take the flag away while more is promised than there is. `is_kit` and `tracking`
    are the item's in the same way (migration 0003): a kit gets no row, and tracking changes only while nothing is here.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="stock", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="stock", db_index=False)
    sellable = models.IntegerField(default=0)
    damaged = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    awaiting_inspection = models.IntegerField(default=0)
    in_transit_in = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    allows_backorder = models.BooleanField(default=False, editable=False)
    is_kit = models.BooleanField(default=False, db_default=False, editable=False)
    tracking = models.CharField(
        max_length=6, choices=Tracking, default=Tracking.NONE, db_default=Tracking.NONE, editable=False
    )
    version = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            # Carries what availability asks for: a question about 20 000 rows reads this index alone, where the rows
            # would be as many scattered pages. Reservations lose their HOT update by it; measured, they don't feel it.
            models.UniqueConstraint(
                fields=("item", "location"),
                include=("sellable", "reserved"),
                name="one_stock_row_per_item_and_location",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{state}__gte": 0, f"{state}__lte": MAX_UNITS}),
                    name=f"stock_{state}_is_neither_negative_nor_absurd",
                )
                for state in (*(s.value for s in INSIDE), "reserved")
            ),
            models.CheckConstraint(
                condition=Q(reserved__lte=F("sellable")) | Q(allows_backorder=True),
                name="only_what_is_sellable_is_promised",
            ),
            models.CheckConstraint(condition=Q(is_kit=False), name="a_kit_has_no_stock_of_its_own"),
        ]
        # Not the location alone: checks of the composite keys would take that index while a table has no statistics.
        indexes = [models.Index(fields=("location", "item"), name="stock_by_location")]

    def __str__(self) -> str:
        return f"{self.item} @ {self.location}"

    @property
    def free(self) -> int:
        """Sellable and promised to nobody; negative where the location promises ahead."""
        return self.sellable - self.reserved


class StockMovementQuerySet(ScopedQuerySet):
    """A movement between two sites is seen by people of either."""

    def for_sites(self, sites: frozenset[int] | None) -> StockMovementQuerySet:
        if sites is None:
            return self.all()
        return self.filter(Q(from_location__site__in=sites) | Q(to_location__site__in=sites))


class StockMovement(models.Model):
    """Units that went from one (location, state) to another. Append-only: a trigger refuses UPDATE, DELETE, TRUNCATE.

    A correction is another movement. Outside states have no location. (item, location) refers to a stock row by a
    composite foreign key (migration 0002), so the plain ones carry no constraint of their own.
    """

    item = models.ForeignKey(Item, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    quantity = models.IntegerField()
    from_location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    from_state = models.CharField(max_length=20, choices=State)
    to_location = models.ForeignKey(
        Location, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    to_state = models.CharField(max_length=20, choices=State)
    key = models.CharField(max_length=200)
    line = models.PositiveSmallIntegerField(default=0, help_text="Place among the movements posted under the same key")
    cause_kind = models.CharField(max_length=40)
    cause_uid = models.CharField(max_length=64)
    cause_label = models.CharField(max_length=200, blank=True)
    actor_kind = models.CharField(max_length=12)
    actor_uid = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    note = models.CharField(max_length=500, blank=True)
    reason = models.CharField(
        max_length=13, choices=AdjustmentReason, blank=True, default="", db_default="", help_text="Of an adjustment"
    )
    compensates = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="compensated_by", db_index=False
    )
    reservation = models.OneToOneField(
        "inventory.Reservation", null=True, on_delete=models.PROTECT, related_name="movement"
    )
    occurred_at = models.DateTimeField(default=timezone.now)
    recorded_at = models.DateTimeField(default=timezone.now)

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("key", "line"), name="a_movement_is_posted_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, quantity__lte=MAX_UNITS), name="movement_quantity_is_positive_and_sane"
            ),
            models.CheckConstraint(
                condition=Q(from_state__in=[s.value for s in INSIDE], from_location__isnull=False)
                | Q(from_state__in=[s.value for s in OUTSIDE], from_location__isnull=True),
                name="movement_comes_from_a_place_or_from_outside",
            ),
            models.CheckConstraint(
                condition=Q(to_state__in=[s.value for s in INSIDE], to_location__isnull=False)
                | Q(to_state__in=[s.value for s in OUTSIDE], to_location__isnull=True),
                name="movement_goes_to_a_place_or_outside",
            ),
            models.CheckConstraint(
                condition=(Q(from_location__isnull=False) | Q(to_location__isnull=False))
                & (~Q(from_state=F("to_state")) | ~Q(from_location=F("to_location"))),
                name="movement_changes_something_here",
            ),
            models.CheckConstraint(
                condition=Q(reason="") | Q(reason__in=AdjustmentReason.values), name="adjustment_reason_is_known"
            ),
            models.UniqueConstraint(
                fields=("compensates",),
                condition=Q(compensates__isnull=False),
                name="a_movement_is_compensated_once",
            ),
        ]
        indexes = [
            # Asked for newest first; the everyday states need no index, their rows are everywhere.
            models.Index(fields=("from_state", "id"), name="movement_from_rare", condition=Q(from_state__in=RARE)),
            models.Index(fields=("to_state", "id"), name="movement_to_rare", condition=Q(to_state__in=RARE)),
            models.Index(fields=("item", "-id"), name="movement_by_item"),
            models.Index(fields=("cause_kind", "cause_uid"), name="movement_by_cause"),
            # The ledger of one place, newest first. Half of all movements have only one of the two ends.
            models.Index(
                fields=("from_location", "-id"), name="movement_from", condition=Q(from_location__isnull=False)
            ),
            models.Index(fields=("to_location", "-id"), name="movement_to", condition=Q(to_location__isnull=False)),
            models.Index(fields=("item", "to_location"), name="movement_found", condition=Q(from_state="found")),
            # Periods of a ledger that only grows: a few kilobytes, next to nothing on each write.
            BrinIndex(fields=("recorded_at",), name="movement_by_record", autosummarize=True),
            BrinIndex(fields=("occurred_at",), name="movement_by_event", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.item_id}: {self.from_state} to {self.to_state}"
