"""What the shell shows of returns: navigation, and returns found by any reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from core import screens
from core.screens import Count, Found
from returns import filters
from returns.models import ReturnRequest, ReturnStatus

CAP = 1000


def register() -> None:
    screens.register_nav(
        "Work", "Returns", "undo-2", "returns:list", "returns.view_returnrequest", count=waiting, order=28
    )
    screens.register_nav(
        "Run", "Return policies", "rotate-ccw", "returns:policies", "returns.view_returnpolicy", order=32
    )
    screens.register_search("returns", find, order=15)


def waiting(user: Any) -> Count:
    """Returns that wait for somebody's decision."""
    rows = ReturnRequest.objects.for_user(user).filter(status=ReturnStatus.OPEN, approved_at__isnull=True)
    count = rows.order_by()[:CAP].count()
    return Count(count, capped=count >= CAP)


def find(user: Any, text: str, limit: int) -> Iterable[Found]:
    """Returns by their number, the channel's, the order's, an e-mail or a tracking number."""
    if not user.has_perm("returns.view_returnrequest"):
        return
    rows = ReturnRequest.objects.for_user(user).filter(pk__in=filters.matching(text)).select_related("order")
    for row in rows.order_by("-id")[:limit]:
        yield Found(
            row.number,
            reverse("returns:detail", args=[row.number]),
            " ".join(
                part for part in (row.order.number if row.order else "", row.get_status_display().lower()) if part
            ),
            kind="Return",
            icon="undo-2",
            exact=text.upper() == row.number,
        )
