"""How a store works, where it differs: how long orders wait for their customers, and what a short pick does."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.scoping import ScopedQuerySet
from inventory.models import Location


class IdCheck(models.TextChoices):
    ALWAYS = "ALWAYS", "Always"
    WITHOUT_CODE = "WITHOUT_CODE", "When the customer has no code"
    NEVER = "NEVER", "Never"


class StorePolicyQuerySet(ScopedQuerySet):
    site_path = "location__site_id"


class StorePolicy(models.Model):
    """One store's own rules; a store without a row has these defaults."""

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="store_policy")
    keep_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(90)],
        help_text="Days an order waits on the ready shelf, to the end of the last",
    )
    remind_days = models.PositiveSmallIntegerField(
        default=2, help_text="The customer is reminded so many days before that; 0: never"
    )
    id_check = models.CharField(max_length=12, choices=IdCheck, default=IdCheck.WITHOUT_CODE)
    batch_size = models.PositiveSmallIntegerField(
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(26)],
        help_text="Orders picked together at most, a tote each",
    )

    objects = StorePolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "store policies"
        constraints = [
            models.CheckConstraint(condition=Q(id_check__in=IdCheck.values), name="id_check_is_known"),
            models.CheckConstraint(
                condition=Q(keep_days__gt=0, keep_days__lte=90, batch_size__gt=0, batch_size__lte=26),
                name="a_store_policy_makes_sense",
            ),
        ]

    def __str__(self) -> str:
        return f"Policy of {self.location}"

    @classmethod
    def of(cls, location_id: int) -> StorePolicy:
        """The place's own rules, or the defaults (not stored)."""
        return cls.objects.filter(location=location_id).first() or cls(location_id=location_id)


class StockEffect(models.TextChoices):
    """Where units go that were not on the shelf."""

    ALL_FREE = "ALL_FREE", "Write off everything free of it here"
    MISSING = "MISSING", "Write off the missing units"
    DAMAGED = "DAMAGED", "Move them to damaged"
    SET_ASIDE = "SET_ASIDE", "Set them aside"
    NONE = "NONE", "Leave stock as it is"


class ShortRule(models.Model):
    """What a reason for a short pick does. A row overrides the built-in rule of its code, or adds a reason."""

    code = models.CharField(max_length=20, primary_key=True)
    title = models.CharField(max_length=60)
    effect = models.CharField(max_length=9, choices=StockEffect)
    counts = models.BooleanField(default=False, help_text="Have the article counted here")
    asks_again = models.BooleanField(default=False, help_text="This place may be asked for the line again")
    active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(effect__in=StockEffect.values), name="short_effect_is_known"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z][A-Z0-9_]*$"), name="short_code_is_a_word"),
        ]

    def __str__(self) -> str:
        return self.title
