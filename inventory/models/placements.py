"""Which bin an article lies in."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models.items import Item
from inventory.models.locations import Bin


class PlacementQuerySet(ScopedQuerySet):
    site_path = "bin__location__site_id"


class Placement(models.Model):
    """An article's usual bin, where a picker looks first. Quantities are kept per location, not per bin."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="placements", db_index=False)
    bin = models.ForeignKey(Bin, on_delete=models.CASCADE, related_name="placements")
    created_at = models.DateTimeField(default=timezone.now)

    objects = PlacementQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("item", "bin"), name="an_item_lies_in_a_bin_once")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.bin_id}"
