"""What a connection's own words mean here, and every change of what its words and codes mean."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scoping import ScopedQuerySet
from integrations.models.connections import Connection


class AliasKind(models.TextChoices):
    """Items and places are kept where stock looks them up; the other words here."""

    ITEM = "ITEM", "Item"
    LOCATION = "LOCATION", "Place"
    STATUS = "STATUS", "Status"
    PAYMENT = "PAYMENT", "Way to pay"
    TAX = "TAX", "Tax"
    CARRIER = "CARRIER", "Carrier"
    FILE = "FILE", "Columns of files"


WORDS = (AliasKind.STATUS, AliasKind.PAYMENT, AliasKind.TAX, AliasKind.CARRIER)


SAID = (AliasKind.ITEM, AliasKind.LOCATION, *WORDS)  # one by one; how files are read is said on a page of theirs


class AliasQuerySet(ScopedQuerySet):
    channel_path = "connection__channel__code"


class Alias(models.Model):
    """A word of a connection's that means another: a status one its vendor documents, a way to pay ours, and so on."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.label) for kind in WORDS])
    code = models.CharField(max_length=200)
    means = models.CharField(max_length=200)

    objects = AliasQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "aliases"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["connection", "kind", "code"], name="a_word_means_one_thing"),
            models.CheckConstraint(condition=Q(kind__in=[kind.value for kind in WORDS]), name="alias_kind_is_known"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(means=""), name="an_alias_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.code} means {self.means}"


class AliasChange(models.Model):
    """One step of a connection's mapping. Its number is the mapping version that messages were read by from then on."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="alias_changes")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=AliasKind)
    code = models.CharField(max_length=200)
    before = models.CharField(max_length=200, blank=True)
    after = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    objects = AliasQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["connection", "version"], name="a_mapping_has_its_version"),
            models.CheckConstraint(condition=Q(kind__in=AliasKind.values), name="alias_change_kind_is_known"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["connection", "-version"], name="alias_changes_newest")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} v{self.version}: {self.code}"
