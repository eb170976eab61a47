"""What a channel's catalogue says it sells, and whether anybody knows which item of ours that is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.scoping import ScopedQuerySet
from integrations.models.connections import Connection


class ListingQuerySet(ScopedQuerySet):
    """Listings belong to connections, which belong to the whole company."""

    channel_path = "connection__channel__code"


class Listing(models.Model):
    """One code of one channel's catalogue with the SKU it names there. `missing`: no alias says which item it is;
    `gone_at`: when a walk through the whole catalogue didn't find it any more."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="listings")
    code = models.CharField(max_length=200)
    sku = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200, blank=True)
    missing = models.BooleanField(default=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = ListingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "code"], name="a_channel_lists_a_code_once"),
        ]
        indexes = [
            models.Index(fields=["connection", "code"], condition=Q(missing=True), name="listings_missing"),
            models.Index(fields=["sku"], condition=Q(missing=True), name="listings_missing_by_sku"),
        ]

    def __str__(self) -> str:
        return self.code
