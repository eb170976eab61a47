"""Who is on duty for a queue, and when."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q

from exceptions.rota import Shift as Hours


class Rota(models.Model):
    """A queue's duty: the hours to be covered (a calendar in its own zone; none = round the clock).

    Where nobody is on duty, `fallback` is told instead.
    """

    queue = models.OneToOneField("exceptions.Queue", on_delete=models.PROTECT, related_name="rota")
    time_zone = models.CharField(max_length=60, default="UTC")
    calendar = models.ForeignKey("core.Calendar", null=True, blank=True, on_delete=models.PROTECT)
    fallback = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1, db_default=1)

    def __str__(self) -> str:
        return f"Rota of {self.queue_id}"


class Shift(models.Model):
    """One person's hours on a rota, in its zone; `opens` and `closes` are minutes from midnight."""

    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="shifts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    days = models.JSONField(default=list, help_text="Weekdays, Monday is 0")
    opens = models.PositiveSmallIntegerField()
    closes = models.PositiveSmallIntegerField(help_text="At or before the beginning: on the next day")
    first_day = models.DateField()
    last_day = models.DateField(null=True, blank=True)
    every_weeks = models.PositiveSmallIntegerField(default=1, db_default=1)
    cover = models.BooleanField(default=False, db_default=False, help_text="Stands in for whoever is on duty then")

    class Meta:
        ordering = ("cover", "first_day", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lt=1440) & Q(closes__lte=1440) & Q(every_weeks__gte=1), name="a_shift_has_hours"
            ),
            models.CheckConstraint(
                condition=Q(last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="a_shift_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.opens}-{self.closes}"

    def as_hours(self, zone: str) -> Hours:
        return Hours(
            user=self.user_id, zone=zone, days=tuple(sorted(self.days)), opens=self.opens, closes=self.closes,
            first=self.first_day, last=self.last_day, every=self.every_weeks, cover=self.cover,
        )  # fmt: skip
