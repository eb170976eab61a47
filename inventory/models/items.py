"""What can be sold, and the names other systems have for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from core.errors import Invalid
from core.scoping import ScopedQuerySet
from inventory import skus

_HOLDINGS = ("sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in", "reserved")


class Tracking(models.TextChoices):
    NONE = "NONE"
    SERIAL = "SERIAL"
    LOT = "LOT"


class ItemQuerySet(ScopedQuerySet):
    """Items belong to no site: everybody who may see stock at all sees every item."""

    def resolve(self, codes: Iterable[str], *, system: str = "") -> dict[str, int]:
        """{code as given: item id} for the codes we know: that system's aliases first, then our own SKUs.

        Codes are compared after NFKC, so a full-width SKU finds its plain one. At most two queries.
        """
        given = {code: skus.normalise(code) for code in codes if code and "\0" not in code}
        found: dict[str, int] = {}
        if system and given:
            aliases = ItemAlias.objects.filter(system=system, code__in=set(given.values()))
            found = dict(aliases.values_list("code", "item_id"))
        missing = set(given.values()) - found.keys()
        if missing:
            found |= dict(self.filter(sku__in=missing).values_list("sku", "id"))
        return {code: found[normal] for code, normal in given.items() if normal in found}


@pghistory.track()
class Item(models.Model):
    """One article as it is stocked and sold. Prices live with channels, quantities with Stock."""

    sku = models.CharField(max_length=skus.MAX_LENGTH, unique=True)
    gtin = models.CharField(max_length=14, blank=True, db_index=True)
    name = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict, blank=True)
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    length_mm = models.PositiveIntegerField(null=True, blank=True)
    width_mm = models.PositiveIntegerField(null=True, blank=True)
    height_mm = models.PositiveIntegerField(null=True, blank=True)
    tracking = models.CharField(max_length=6, choices=Tracking, default=Tracking.NONE)
    country_of_origin = models.CharField(max_length=2, blank=True)
    hs_code = models.CharField(max_length=12, blank=True)
    is_kit = models.BooleanField(
        default=False, db_default=False, help_text="Sold as one, stocked and reserved as its parts"
    )
    unit_cost = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True, help_text="What one unit is worth in the books"
    )
    cost_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ("sku",)
        constraints = [
            models.CheckConstraint(condition=Q(tracking__in=Tracking.values), name="item_tracking_is_known"),
            models.CheckConstraint(
                condition=Q(gtin__regex=r"^([0-9]{8}|[0-9]{12,14})?$"), name="gtin_has_a_gs1_length"
            ),
            models.CheckConstraint(
                condition=Q(unit_cost__isnull=True, cost_currency="")
                | Q(unit_cost__isnull=False, unit_cost__gte=0, unit_cost__lt=10**15, cost_currency__regex="^[A-Z]{3}$"),
                name="a_unit_cost_has_its_currency",
            ),
            models.CheckConstraint(
                condition=Q(is_kit=False) | Q(tracking=Tracking.NONE), name="a_kit_is_tracked_by_its_parts"
            ),
            # What kits, lots and stock rows refer to, so that what they say of the item can't drift.
            models.UniqueConstraint(fields=("id", "is_kit"), name="item_with_its_kit_rule"),
            models.UniqueConstraint(fields=("id", "tracking"), name="item_with_its_tracking"),
            models.UniqueConstraint(
                Func(F("sku"), Value(skus.LOOK_ALIKES), Value(skus.LATIN), function="translate"),
                name="no_two_skus_look_alike",
            ),
        ]

    def __str__(self) -> str:
        return self.sku

    def clean(self) -> None:
        try:
            self.sku = skus.clean(self.sku)
        except Invalid as invalid:
            raise ValidationError({"sku": str(invalid)}) from invalid
        if self.pk is None:
            return
        same = Item.objects.filter(pk=self.pk, tracking=self.tracking).exists()
        if not same and (self.lots.exists() or self.stock.exclude(**dict.fromkeys(_HOLDINGS, 0)).exists()):
            raise ValidationError({"tracking": "While there is stock of it, it stays tracked as it is."})


class ItemAliasQuerySet(ScopedQuerySet):
    pass


class ItemAlias(models.Model):
    """What another system (a channel's code, a supplier, a till) calls one of our items."""

    system = models.CharField(max_length=60)
    code = models.CharField(max_length=200)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="aliases")

    objects = ItemAliasQuerySet.as_manager()

    class Meta:
        ordering = ("system", "code")
        verbose_name_plural = "item aliases"
        constraints = [models.UniqueConstraint(fields=("system", "code"), name="a_foreign_code_means_one_item")]
        indexes = [models.Index(fields=("code",), name="item_alias_by_code")]

    def __str__(self) -> str:
        return f"{self.system}:{self.code}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.code = skus.normalise(self.code)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.code = skus.normalise(self.code)
