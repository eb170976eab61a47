"""Postings in the search box, and the number beside their entry in the navigation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from core.formats import money
from core.screens import Count, Found
from finance import filters
from finance.models import Posting, Status

SHAPE = re.compile(r"[A-Za-z]{0,8}-?[0-9]{1,18}(-[0-9]{1,3})?")


def search(user: Any, text: str, limit: int) -> Iterable[Found]:
    if not SHAPE.fullmatch(text) or not user.has_perm("finance.view_posting"):
        return
    for posting in Posting.objects.for_user(user).filter(pk__in=filters.matching(text)).order_by("-id")[:limit]:
        number = f", {posting.erp_number} in the ERP" if posting.erp_number else ""
        yield Found(
            title=f"Posting {posting.reference}",
            url=reverse("finance:posting", args=[posting.pk]),
            detail=f"{posting.get_status_display()}{number}, {money(posting.total, posting.currency)}",
            kind="Posting",
            icon="receipt",
        )


def rejected(user: Any) -> Count | None:
    """How many the ERP refused, up to a hundred."""
    found = Posting.objects.for_user(user).filter(status=Status.REJECTED)[:100].count()
    return Count(min(found, 99), capped=found > 99) if found else None
