"""/api/v1/counts: what is to be looked at, and what was found."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path, reverse

from core.api import ApiView, idempotent, keyset, page_reply, parse, reply
from inventory.api.v1 import lists, names, work_words
from inventory.api.v1.work_bodies import NewCount
from inventory.count_filters import CountFilter
from inventory.models import COUNT_TO_DO, Count, CountLine, CountLot
from inventory.services import counts


class Counts(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read", "POST": "stock:write"}

    @work_words.COUNTS
    def get(self, request: Any) -> HttpResponse:
        """A page of counts, newest first."""
        lists.known(request, CountFilter)
        rows = CountFilter(request.GET, Count.objects.for_caller(request.auth)).found()
        return page_reply(request, keyset(rows.select_related("location"), request), _count)

    @work_words.ASK_COUNT
    @idempotent()
    def post(self, request: Any) -> HttpResponse:
        """The count that lists the items: 201, also where an open count listed them all already."""
        body = parse(request, NewCount)
        items, places = names.resolve(
            [(f"skus[{n}]", sku) for n, sku in enumerate(body.skus)], [("location", body.location)]
        )
        made = counts.request(
            places[body.location], set(items.values()), cause=None, actor=request.auth.actor, blind=body.blind,
            due_at=body.due_at, note=body.note,
        )  # fmt: skip
        found = Count.objects.select_related("location").get(pk=made)
        where = reverse("api:v1:count", args=[found.number])
        return reply(_with_lines(found), status=201, headers={"Location": where})


class OneCount(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "stock:read"}

    @work_words.READ_COUNT
    def get(self, request: Any, number: str) -> HttpResponse:
        """The count with its lines; the books' figures only once nobody has to count blind any more."""
        rows = Count.objects.for_caller(request.auth).select_related("location")
        found = rows.filter(pk=names.numbered(number, "CT")).first()
        if found is None:
            raise Http404
        return reply(_with_lines(found))


def _count(row: Count) -> dict[str, Any]:
    return {
        "number": row.number,
        "location": row.location.code,
        "status": row.status,
        "origin": row.origin,
        "blind": row.blind,
        "round": row.round,
        "due_at": row.due_at,
        "requested_by": row.requested_by,
        "counted_by": row.counted_by,
        "approved_by": row.approved_by,
        "note": row.note,
        "created_at": row.created_at,
        "posted_at": row.posted_at,
    }


def _with_lines(found: Count) -> dict[str, Any]:
    hidden = found.blind and found.status in COUNT_TO_DO
    lines = found.lines.select_related("item").prefetch_related("lots").order_by("item__sku")
    return {**_count(found), "lines": [_line(line, hidden=hidden) for line in lines]}


def _line(line: CountLine, *, hidden: bool) -> dict[str, Any]:
    return {
        "sku": line.item.sku,
        "round": line.round,
        "counted": line.counted,
        "expected_low": None if hidden else line.expected_low,
        "expected_high": None if hidden else line.expected_high,
        "difference": None if hidden else line.difference,
        "posted": line.posted,
        "value": None if hidden else line.value,
        "currency": line.currency or None,
        "lots": [
            _lot(lot, hidden=hidden)
            for lot in sorted(line.lots.all(), key=lambda lot: lot.code)
            if not hidden or lot.counted is not None
        ],
    }


def _lot(lot: CountLot, *, hidden: bool) -> dict[str, Any]:
    """Of a tracked item: one lot or serial. While it is counted blind, only what was scanned."""
    return {
        "code": lot.code,
        "counted": lot.counted,
        "expected_low": None if hidden else lot.expected_low,
        "expected_high": None if hidden else lot.expected_high,
        "difference": None if hidden else lot.difference,
        "posted": lot.posted,
    }


urlpatterns = [
    path("counts", Counts.as_view(), name="counts"),
    path("counts/<str:number>", OneCount.as_view(), name="count"),
]
