"""Which units a count found and a transfer brought, where the item's units are told apart by lot or serial number."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from inventory.models.counting import CountLine
from inventory.models.lots import MAX_CODE
from inventory.models.stock import MAX_UNITS
from inventory.models.transfers import TransferLine


class CountLot(models.Model):
    """One lot or serial of a count's line: what was found of it, what was expected, what was posted.

    The line's own figures are the sums of these. `counted` stays empty for what the books have and nobody found; a code
    the books don't know is written down like any other.
    """

    line = models.ForeignKey(CountLine, on_delete=models.PROTECT, related_name="lots", db_index=False)
    code = models.CharField(max_length=MAX_CODE)
    counted = models.IntegerField(null=True)
    earlier = models.IntegerField(null=True, help_text="Found in the round before")
    aside_low = models.IntegerField(default=0)
    aside_high = models.IntegerField(default=0)
    expected_low = models.IntegerField(null=True)
    expected_high = models.IntegerField(null=True)
    difference = models.IntegerField(null=True)
    posted = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("line", "code"), name="a_count_line_names_a_lot_once"),
            models.CheckConstraint(
                condition=Q(counted__isnull=True) | Q(counted__gte=0, counted__lte=MAX_UNITS),
                name="counted_of_a_lot_is_neither_negative_nor_absurd",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def owed(self) -> int:
        """What the books still lack of the difference."""
        return (self.difference or 0) - self.posted


class TransferLot(models.Model):
    """One lot or serial of a transfer's line on its way. The line's own figures are the sums of these."""

    line = models.ForeignKey(TransferLine, on_delete=models.PROTECT, related_name="lots", db_index=False)
    code = models.CharField(max_length=MAX_CODE)
    picked = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0, help_text="Of those found")
    received = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("line", "code"), name="a_transfer_line_names_a_lot_once"),
            models.CheckConstraint(
                condition=Q(
                    picked__lte=MAX_UNITS, shipped__lte=F("picked"), damaged__lte=F("found"), found__lte=MAX_UNITS,
                    received__lte=MAX_UNITS,
                ),
                name="a_transferred_lot_only_shrinks_on_its_way",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.code
