"""What follows the lines of payouts by itself: those that wait, and what each payout cost by channel and method."""

from __future__ import annotations

from django.db import models

from core.fields import MoneyField
from finance.models.settlement import FinanceQuerySet, Settlement, SettlementLine


class OpenLine(models.Model):
    """A line that waits: of a label nobody knows, or not matched wholly. Kept by the lines' own triggers.

    A table of its own, because a line that leaves an index is written anew with every index it has; so it is changed
    in its place, which at a million lines is most of the work.
    """

    line = models.OneToOneField(
        SettlementLine, primary_key=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    settlement = models.ForeignKey(
        Settlement, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField()

    objects = FinanceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=("settlement", "position"), name="line_open")]

    def __str__(self) -> str:
        return f"line {self.line_id}"


class FeeTotal(models.Model):
    """What a payout cost by channel and method, added up when it was matched: a page can't read a million lines.

    `gross` is what came in that way, null where nothing did. Figures are in the payout's currency.
    """

    settlement = models.ForeignKey(Settlement, on_delete=models.CASCADE, related_name="fee_totals", db_index=False)
    channel = models.ForeignKey("orders.Channel", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    method = models.CharField(max_length=160, blank=True, help_text="The fee's label, where no payment is behind it")
    lines = models.PositiveIntegerField()
    gross = MoneyField(null=True)
    fee = MoneyField()

    objects = FinanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("settlement", "channel", "method"), name="a_fee_is_added_up_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.fee} by {self.method}"
