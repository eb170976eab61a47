"""Where orders come from."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.scoping import ScopedQuerySet
from inventory.models import Location


class ChannelKind(models.TextChoices):
    WEBSTORE = "WEBSTORE"
    MARKETPLACE = "MARKETPLACE"
    POS = "POS", "Point of sale"
    MOBILE = "MOBILE"
    WHOLESALE = "WHOLESALE"
    PHONE = "PHONE"


class ChannelQuerySet(ScopedQuerySet):
    channel_path = "code"


@pghistory.track()
class Channel(models.Model):
    """One place customers buy at. `code` is also the alias system its own SKUs are looked up under."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=11, choices=ChannelKind, default=ChannelKind.WEBSTORE)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=60, default="UTC")
    prices_include_tax = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    language = models.CharField(
        max_length=8, default="en", db_default="en", help_text="In which its customers are written to: en, nl, de-CH"
    )
    tells_customers = models.BooleanField(
        default=True, db_default=True, help_text="Backroom writes to its customers; off where the channel does itself"
    )
    sells_from = models.ForeignKey(
        Location,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Where units lie that the channel hands over itself, as a till's store: they leave the books there",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="channel_kind_is_known"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="channel_currency_is_a_code"),
            models.CheckConstraint(
                condition=Q(language__regex="^[a-z]{2}(-[A-Z]{2})?$"), name="channel_language_is_a_code"
            ),
        ]

    def __str__(self) -> str:
        return self.name
