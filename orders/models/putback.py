"""Goods that were picked for nothing and have to go back to their shelf."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models import Item, Location
from orders.models.fulfilment import FulfilmentOrder


class PutBackQuerySet(ScopedQuerySet):
    site_path = "location__site_id"

    def waiting(self) -> PutBackQuerySet:
        return self.filter(done__lt=F("quantity"))


class PutBack(models.Model):
    """Units of one item taken off a fulfilment order after they were picked; the books have them on the shelf already.

    `done` counts those somebody scanned back. `codes` are the lots or serials they were picked under.
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    fulfilment = models.ForeignKey(FulfilmentOrder, on_delete=models.PROTECT, related_name="put_backs")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    codes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=200, blank=True)

    objects = PutBackQuerySet.as_manager()

    class Meta:
        permissions = [("work_putback", "Can put units back on their shelf")]
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0, done__lte=F("quantity")), name="no_more_is_put_back_than_was_picked"
            )
        ]
        indexes = [
            models.Index(fields=("location", "id"), name="put_back_waiting", condition=Q(done__lt=F("quantity")))
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.item_id} from {self.fulfilment_id}"
