"""Who may see which rows: no view reads a table without saying for whom.

A model's `objects` is `ScopedQuerySet.as_manager()` (or a subclass). Services use it freely; views and the API go
through `for_user` (a person) or `for_caller` (an API key), and a foreign row is simply not there.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q


class ScopedQuerySet(models.QuerySet[Any]):
    """Rows that belong to sites, to channels, to both or to neither.

    `site_path` is the ORM path to the site's id ("site_id", "location__site_id"); None means the rows are not bound to
    sites. With `siteless_is_shared`, rows whose site is NULL are everyone's; otherwise only people without a site
    limit see them. `channel_path` is the same for the channel codes of an API key.
    """

    site_path: ClassVar[str | None] = None
    siteless_is_shared: ClassVar[bool] = False
    channel_path: ClassVar[str | None] = None
    site_path_is_many: ClassVar[bool] = False  # the path crosses a to-many relation, so rows must be made distinct

    def for_user(self, user: Any) -> Self:
        """What this person may see. Nobody in particular sees nothing."""
        if user is None or not getattr(user, "is_active", False) or getattr(user, "is_anonymous", True):
            return self.none()
        return self.for_sites(user.site_ids())

    def for_sites(self, sites: frozenset[int] | None) -> Self:
        """Rows of these sites; None means no limit."""
        if sites is None or self.site_path is None:
            return self.all()
        wanted = Q(**{f"{self.site_path}__in": sites})
        if self.siteless_is_shared:
            wanted |= Q(**{f"{self.site_path}__isnull": True})
        if self.site_path_is_many:
            # A subquery rather than DISTINCT: keyset pages and FOR UPDATE still work on top of it.
            return self.filter(pk__in=self.model._base_manager.filter(wanted).values("pk"))
        return self.filter(wanted)

    def for_caller(self, caller: Any) -> Self:
        """What an API key may see: its own sites and channels, where the rows have any."""
        if caller is None:
            return self.none()
        rows = self.for_sites(caller.sites)
        if caller.channels is None or self.channel_path is None:
            return rows
        return rows.filter(**{f"{self.channel_path}__in": caller.channels})
