"""A list of cases as a file for a spreadsheet."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from core import downloads
from exceptions import reasons
from exceptions.filters import ORDERS
from exceptions.views import queue

_COLUMNS = (
    ("Case", "id"),
    ("Reason", "reason"),
    ("Title", "title"),
    ("Summary", "summary"),
    ("About", "subject_label"),
    ("Queue", "queue_id"),
    ("Site", "site__name"),
    ("Severity", "severity"),
    ("Status", "status"),
    ("Waiting for", "waiting_on"),
    ("Owner", "owner__name"),
    ("Value", "value"),
    ("Currency", "currency"),
    ("Times seen", "occurrences"),
    ("Started", "started_at"),
    ("Respond by", "acknowledge_by"),
    ("Responded", "acknowledged_at"),
    ("Resolve by", "resolve_by"),
    ("Promise", "promise_by"),
    ("Resolved", "resolved_at"),
    ("Outcome", "outcome"),
)


@require_safe
@permission_required("exceptions.export_case", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /exceptions/export.csv?…: the list as filtered and ordered, up to 100 000 rows, streamed."""
    wanted = queue.listing(request)
    order = [f"-{o[1:]}" if o.startswith("-") else o for o in ORDERS[wanted.sort]]
    rows = wanted.rows.order_by(*order).values_list(*[column for _, column in _COLUMNS])[: downloads.MOST]
    return downloads.csv_file("exceptions", [title for title, _ in _COLUMNS], rows, line=_worded)


def _worded(values: list[Any]) -> list[Any]:
    known = reasons.find(values[1])
    return [f"EX-{values[0]}", known.title if known else values[1], *values[2:]]
