"""How the shell finds cases: the number in the navigation and the search box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone

from core import htmx
from core.screens import Count, Found
from exceptions.filters import NUMBER
from exceptions.models import Case, Status


def open_count(user: Any) -> Count:
    """Overdue cases if there are any, marked as late; else all that are open."""
    rows = Case.objects.for_user(user).still_open()
    late = htmx.capped_count(rows.overdue(timezone.now()))
    if late.value:
        return Count(min(late.value, late.cap - 1), late=True, capped=late.over)
    count = htmx.capped_count(rows)
    return Count(min(count.value, count.cap - 1), capped=count.over)


def search(user: Any, text: str, limit: int) -> Iterable[Found]:
    """A case by its number (EX-20418)."""
    number = NUMBER.fullmatch(text.strip())
    if number is None or not text.strip().lower().startswith("ex") or not user.has_perm("exceptions.view_case"):
        return
    for case in Case.objects.for_user(user).filter(pk=int(number.group(1)))[:limit]:
        state = "Resolved" if case.status == Status.RESOLVED else "Open"
        yield Found(
            case.number,
            reverse("exceptions:detail", args=[case.pk]),
            detail=f"{case.title}, {state.lower()}",
            kind="Case",
            icon="inbox",
            exact=True,
        )
