"""A list of cases as a file for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from exceptions import reasons
from exceptions.filters import ORDERS
from exceptions.views import queue

MOST = 100_000
_RISKY = ("=", "+", "-", "@", "\t", "\r")
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


class _Line:
    """A file that hands back what was written to it."""

    def write(self, text: str) -> str:
        return text


def cell(value: Any) -> Any:
    """A value a spreadsheet shows as it is: what would start a formula gets an apostrophe, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(timezone.get_current_timezone()).isoformat(timespec="minutes")
    if isinstance(value, int | Decimal):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_RISKY) else text


@require_safe
@permission_required("exceptions.export_case", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /exceptions/export.csv?…: the list as filtered and ordered, up to 100 000 rows, streamed."""
    wanted = queue.listing(request)
    order = [f"-{o[1:]}" if o.startswith("-") else o for o in ORDERS[wanted.sort]]
    rows = wanted.rows.order_by(*order).values_list(*[column for _, column in _COLUMNS])[:MOST]
    stamp = timezone.localtime(wanted.now).strftime("%Y-%m-%d-%H%M")
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="exceptions-{stamp}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _lines(rows: Any) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([title for title, _ in _COLUMNS])
    for row in rows.iterator(chunk_size=2_000):
        values = list(row)
        values[0] = f"EX-{values[0]}"
        known = reasons.find(values[1])
        values[1] = known.title if known else values[1]
        yield writer.writerow([cell(value) for value in values])
