"""Where cases wait, one row a team."""

from __future__ import annotations

from django.db import models


class Queue(models.Model):
    """A team's queue. Reasons name it by code; the row is made on first use and may be renamed."""

    code = models.SlugField(primary_key=True, max_length=40)
    name = models.CharField(max_length=80)
    icon = models.CharField(max_length=40, default="inbox", db_default="inbox")
    position = models.PositiveSmallIntegerField(default=100, db_default=100)

    class Meta:
        ordering = ("position", "code")

    def __str__(self) -> str:
        return self.name
