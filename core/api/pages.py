"""Lists: by cursor, never by number, so that page 18 000 costs what page 1 costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse

from core import htmx
from core.api.answers import reply
from core.errors import Invalid, Problem
from core.htmx import Page

SIZE, MAX_SIZE = 50, 200


def keyset(queryset: QuerySet[Any], request: Any, order: Sequence[str] = ("-id",)) -> Page:
    """The page `after` or `before` names, `page_size` rows of it (50, at most 200). A broken cursor is 400."""
    return htmx.keyset_page(queryset, getattr(request, "_request", request), order, size_of(request))


def page_reply(request: Any, page: Page, shape: Callable[[Any], Any]) -> HttpResponse:
    """`{"items": […], "next": cursor, "previous": cursor}`, with the same as Link headers (RFC 8288)."""
    links = [
        f'<{_url(request, name, cursor)}>; rel="{rel}"'
        for rel, name, cursor in (("next", "after", page.next), ("prev", "before", page.previous))
        if cursor
    ]
    body = {"items": [shape(row) for row in page.rows], "next": page.next or None, "previous": page.previous or None}
    return reply(body, headers={"Link": ", ".join(links)} if links else None)


def size_of(request: Any) -> int:
    """How many rows a page is asked to have."""
    given = request.GET.get("page_size", "")
    if not given:
        return SIZE
    if not (given.isascii() and given.isdigit()) or len(given) > 12 or int(given) < 1:
        raise Invalid([Problem("page_size", "number", "A whole number from 1.")])
    return min(int(given), MAX_SIZE)


def _url(request: Any, name: str, cursor: str) -> str:
    query = [(k, v) for k, values in request.GET.lists() for v in values if k not in {"after", "before"}]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*query, (name, cursor)])}")
