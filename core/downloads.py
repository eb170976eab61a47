"""Lists as files for a spreadsheet: streamed, bounded, and harmless to open."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone

MOST = 100_000  # rows of one file
CHUNK = 2_000
# Also as their full-width twins, which some spreadsheets read alike.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


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
    if isinstance(value, int | float | Decimal):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_RISKY) else text


def csv_file(
    name: str, titles: Sequence[str], rows: Iterable[Sequence[Any]], *, line: Callable[[list[Any]], list[Any]] = list
) -> StreamingHttpResponse:
    """A response of `name`-<now>.csv: UTF-8 with a byte order mark, so that every spreadsheet reads it.

    `rows` are tuples in the order of `titles`, already bounded by the caller (rows[:MOST] of a queryset); `line`
    may word a row's values.
    """
    stamp = timezone.localtime().strftime("%Y-%m-%d-%H%M")
    response = StreamingHttpResponse(_lines(titles, rows, line), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{stamp}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _lines(titles: Sequence[str], rows: Any, line: Callable[[list[Any]], list[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(list(titles))
    # A queryset is read in pieces by a server-side cursor; anything else is iterated as it is.
    for row in rows.iterator(chunk_size=CHUNK) if hasattr(rows, "iterator") else rows:
        yield writer.writerow([cell(value) for value in line(list(row))])
