"""Units on their way from one of our places to another."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from core.states import StateMachine
from core.subjects import Subject
from inventory.models.items import Item
from inventory.models.locations import Location
from inventory.models.lots import MAX_CODE
from inventory.models.stock import MAX_UNITS


class TransferStatus(models.TextChoices):
    DRAFT = "DRAFT"
    REQUESTED = "REQUESTED"
    PICKED = "PICKED"
    IN_TRANSIT = "IN_TRANSIT", "In transit"
    RECEIVED = "RECEIVED"
    DISCREPANT = "DISCREPANT"
    CANCELLED = "CANCELLED"


T = TransferStatus
TRANSFER_OPEN = frozenset({T.DRAFT, T.REQUESTED, T.PICKED, T.IN_TRANSIT, T.DISCREPANT})
TRANSFER_AT_ORIGIN = frozenset({T.REQUESTED, T.PICKED})  # the sending site has something to do


class TransferQuerySet(ScopedQuerySet):
    """A transfer is seen by the people of both its ends."""

    def for_sites(self, sites: frozenset[int] | None) -> TransferQuerySet:
        if sites is None:
            return self.all()
        return self.filter(Q(origin__site__in=sites) | Q(destination__site__in=sites))


class Transfer(StateMachine):
    """One lot from an origin to a destination. Changed only by services.transfers, under this row's lock.

    REQUESTED units are promised at the origin once `approved_at` is set. Shipped units stand at the destination as
    `in_transit_in` until it says what arrived. DISCREPANT becomes RECEIVED when every discrepancy is settled.
    """

    MOVES = {
        T.DRAFT: {T.REQUESTED, T.CANCELLED},
        T.REQUESTED: {T.PICKED, T.CANCELLED},
        T.PICKED: {T.IN_TRANSIT, T.CANCELLED},
        T.IN_TRANSIT: {T.RECEIVED, T.DISCREPANT},
        T.DISCREPANT: {T.RECEIVED},
        T.RECEIVED: {T.DISCREPANT},  # a resolution was taken back
    }

    origin = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="transfers_out", db_index=False)
    destination = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="transfers_in", db_index=False)
    status = models.CharField(max_length=10, choices=TransferStatus, default=TransferStatus.DRAFT)
    version = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=200, blank=True)
    suggested = models.BooleanField(default=False)
    requested_by_kind = models.CharField(max_length=12, blank=True)
    requested_by_uid = models.CharField(max_length=64, blank=True)
    requested_by = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=200, blank=True)
    carrier = models.CharField(max_length=80, blank=True)
    tracking_number = models.CharField(max_length=120, blank=True)
    ended_reason = models.CharField(max_length=255, blank=True)
    due_at = models.DateTimeField(null=True, help_text="When it should arrive")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        permissions = [
            ("request_transfer", "Can ask for transfers"),
            ("approve_transfer", "Can approve transfers others asked for"),
            ("work_transfer", "Can pick, send and receive transfers"),
            ("settle_transfer", "Can settle what was over, short or mis-shipped"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TransferStatus.values), name="transfer_status_is_known"),
            models.CheckConstraint(condition=~Q(origin=F("destination")), name="a_transfer_goes_somewhere_else"),
            models.CheckConstraint(
                condition=Q(status__in=["DRAFT", "REQUESTED", "CANCELLED"]) | Q(approved_at__isnull=False),
                name="only_an_approved_transfer_is_picked",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["IN_TRANSIT", "RECEIVED", "DISCREPANT"]) | Q(shipped_at__isnull=False),
                name="a_transfer_on_its_way_was_shipped",
            ),
        ]
        indexes = [
            models.Index(fields=("origin", "-id"), name="transfer_by_origin"),
            models.Index(fields=("destination", "-id"), name="transfer_by_destination"),
            models.Index(fields=("due_at", "id"), name="transfer_expected", condition=Q(status="IN_TRANSIT")),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"TR-{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("transfer", str(self.pk), self.number)

    @property
    def demand_uid(self) -> str:
        return f"transfer:{self.pk}"


class TransferLine(models.Model):
    """One item of a transfer. `wanted` 0 is an item nobody asked for, found in the box."""

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="lines", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    wanted = models.PositiveIntegerField()
    approved = models.PositiveIntegerField(default=0)
    picked = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0, help_text="Scanned at the destination so far")
    damaged = models.PositiveIntegerField(default=0, help_text="Of those found")
    received = models.PositiveIntegerField(default=0, help_text="In the destination's books, damaged ones included")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("transfer", "item"), name="a_transfer_lists_an_item_once"),
            models.CheckConstraint(
                condition=Q(
                    wanted__lte=MAX_UNITS, approved__lte=F("wanted"), picked__lte=F("approved"),
                    shipped__lte=F("picked"), damaged__lte=F("found"), found__lte=MAX_UNITS, received__lte=MAX_UNITS,
                ),
                name="a_transfer_line_only_shrinks_on_its_way",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.wanted} of {self.item_id}"


class DiscrepancyKind(models.TextChoices):
    SHORT = "SHORT", "Short"
    OVER = "OVER", "Over"
    MISSHIPPED = "MISSHIPPED", "Mis-shipped"


class Resolution(models.TextChoices):
    """How a discrepancy was settled, each by a movement of its own."""

    ARRIVED = "ARRIVED", "Arrived after all"
    LOST = "LOST", "Lost on the way"
    NEVER_LEFT = "NEVER_LEFT", "Never left the origin"
    FROM_ORIGIN = "FROM_ORIGIN", "Taken off the origin's books"
    WAS_OURS = "WAS_OURS", "The origin's books are right"


class DiscrepancyQuerySet(ScopedQuerySet):
    def for_sites(self, sites: frozenset[int] | None) -> DiscrepancyQuerySet:
        if sites is None:
            return self.all()
        return self.filter(Q(transfer__origin__site__in=sites) | Q(transfer__destination__site__in=sites))


class TransferDiscrepancy(models.Model):
    """Units that arrived differently from how they were sent. Standing until it has a resolution."""

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="discrepancies")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=DiscrepancyKind)
    code = models.CharField(max_length=MAX_CODE, blank=True, help_text="Of which lot, or which serial number")
    damaged = models.PositiveIntegerField(default=0, help_text="Of them, not booked yet: the books have them elsewhere")
    booked = models.BooleanField(default=True, help_text="Surplus units are in the destination's books")
    quantity = models.PositiveIntegerField()
    found_at = models.DateTimeField(default=timezone.now)
    resolution = models.CharField(max_length=11, choices=Resolution, blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True)

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "transfer discrepancies"
        constraints = [
            models.UniqueConstraint(fields=("transfer", "item", "code", "kind"), name="a_discrepancy_is_found_once"),
            models.CheckConstraint(condition=Q(kind__in=DiscrepancyKind.values), name="discrepancy_kind_is_known"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="a_discrepancy_has_units"),
            models.CheckConstraint(
                condition=Q(resolution="", resolved_at__isnull=True)
                | Q(kind="SHORT", resolution__in=["ARRIVED", "LOST", "NEVER_LEFT"], resolved_at__isnull=False)
                | Q(kind__in=["OVER", "MISSHIPPED"], resolution__in=["FROM_ORIGIN", "WAS_OURS"],
                    resolved_at__isnull=False),
                name="a_resolution_fits_its_discrepancy",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=("id",), name="discrepancy_standing", condition=Q(resolution="")),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.get_kind_display().lower()}"

    @property
    def what(self) -> str:
        """The article, and of tracked ones which units."""
        return f"{self.item.sku} {self.code}".strip()

    @property
    def subject(self) -> Subject:
        return Subject("transfer_discrepancy", str(self.pk), f"TR-{self.transfer_id} {self.get_kind_display().lower()}")
