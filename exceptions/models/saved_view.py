"""Lists people keep: a name for what an address of the queue asks for."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Now


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def for_user(self, user: object) -> QuerySet[SavedView]:
        """One's own, and those shared with a team one is in."""
        teams = user.groups.values("pk")  # type: ignore[attr-defined]
        return self.filter(Q(owner=user) | Q(team__in=teams))


class SavedView(models.Model):
    """Filters and order under a name. A view never shows more than whoever looks at it may see."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="case_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, help_text="The query string, in its one form")
    team = models.ForeignKey("auth.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("owner", "name"), name="a_persons_views_have_different_names"),
            models.CheckConstraint(condition=~Q(name=""), name="a_view_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
