"""What the home page shows of cases: overdue work first, then one's own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx
from exceptions import board, present
from exceptions.models import Case

SHOWN = 8


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def overdue(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/overdue: the cases longest past their time."""
    rows = Case.objects.for_user(request.user).still_open().overdue(timezone.now())
    return _panel(request, rows, f"{reverse('exceptions:queue')}?sla=overdue", "Nothing is overdue.")


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def mine(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/mine: what this person has claimed, nearest its time first."""
    rows = Case.objects.for_user(request.user).still_open().filter(owner=request.user)
    return _panel(request, rows, f"{reverse('exceptions:queue')}?owner=me", "You have no open cases.")


def _panel(request: HttpRequest, rows: Any, url: str, empty: str) -> HttpResponse:
    now = timezone.now()
    first = rows.order_by("rank", "pk").values(*board.COLUMNS)[:SHOWN]
    context = {
        "rows": present.lines(first, request.user, now),  # type: ignore[arg-type]
        "total": htmx.capped_count(rows),
        "address": url,
        "empty": empty,
    }
    return htmx.part(request, "exceptions/_home_panel.html", context)
