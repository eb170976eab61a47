"""Kits: sold as one article, stocked as the articles they are made of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.scoping import ScopedQuerySet
from inventory.models.items import Item

MAX_PARTS, MAX_PER_KIT = 50, 10_000


class KitComponentQuerySet(ScopedQuerySet):
    """Like items, they belong to no site."""


class KitComponent(models.Model):
    """`quantity` units of `part` go into one unit of `kit`.

    A part is never a kit itself, so there are no nested kits and no cycles; a kit has no stock of its own. Both are
    composite foreign keys on (item, is_kit) with a constant on this side (migration 0003), so no two transactions can
    break them between them.
    """

    kit = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="parts", db_index=False)
    part = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="part_of")
    quantity = models.IntegerField()
    kit_is_kit = models.BooleanField(default=True, db_default=True, editable=False)
    part_is_kit = models.BooleanField(default=False, db_default=False, editable=False)

    objects = KitComponentQuerySet.as_manager()

    class Meta:
        ordering = ("kit", "part")
        constraints = [
            models.UniqueConstraint(fields=("kit", "part"), name="a_part_is_in_its_kit_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MAX_PER_KIT), name="kit_part_quantity_is_positive_and_sane"
            ),
            models.CheckConstraint(condition=Q(kit_is_kit=True), name="only_kits_have_parts"),
            models.CheckConstraint(condition=Q(part_is_kit=False), name="no_part_is_a_kit"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.part_id} in {self.kit_id}"
