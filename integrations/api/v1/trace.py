"""/api/v1/orders/<number>/trace: everything that came in, happened and went out for one order. Scope orders:read."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema

from core.api import ApiView, page_reply, reply
from core.api.openapi import ANY, page_of, problems
from core.api.pages import size_of
from core.errors import Invalid, Problem
from integrations.api.v1.described import PAGES
from integrations.tracing import came, rows
from integrations.tracing.rows import Row, Sight
from orders.models import Order

PAGING = frozenset({"after", "before", "page_size"})


class Trace(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @extend_schema(
        operation_id="orders_trace",
        summary="What came in, happened and went out for an order, oldest first",
        description="Messages, facts, deliveries, calls and postings with their times; no payloads.",
        parameters=PAGES,
        responses={200: page_of(ANY), **problems(400, 401, 403, 404, 429)},
    )
    def get(self, request: Any, number: str) -> HttpResponse:
        if unknown := sorted(set(request.GET) - PAGING):
            raise Invalid([Problem(name[:60], "unknown", "This list isn't narrowed by it.") for name in unknown])
        page = rows.page(
            _find(request, number), sight=Sight(), after=request.GET.get("after", ""),
            before=request.GET.get("before", ""), size=size_of(request),
        )  # fmt: skip
        return page_reply(request, page, _row)


class Difference(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"GET": "orders:read"}

    @extend_schema(
        operation_id="orders_trace_difference",
        summary="What the newest message says of an order beside what is stored of it",
        description="`figures` holds those that differ; people are masked.",
        responses={200: ANY, **problems(401, 403, 404, 429)},
    )
    def get(self, request: Any, number: str) -> HttpResponse:
        compared = came.compare(_find(request, number))
        if compared is None:
            return reply({"message": None, "compared": 0, "figures": []})
        return reply(
            {
                "message": compared.message.pk,
                "connection": compared.message.connection.code,
                "older": compared.older,
                "compared": len(compared.figures),
                "figures": [{"path": f.path, "came": f.came, "stored": f.stored} for f in compared.differing],
            }
        )


def _find(request: Any, number: str) -> Order:
    found = Order.objects.for_caller(request.auth).select_related("channel").filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "id": row.pk,
        "at": row.at,
        "what": row.title,
        "detail": row.detail,
        "who": row.who,
        "state": row.state,
        "attempts": row.attempts,
        "took_ms": round(row.took.total_seconds() * 1000) if row.took is not None else None,
        "error": row.error,
        "fact": row.links.get("event") or None,
    }


urlpatterns = [
    path("orders/<str:number>/trace", Trace.as_view(), name="order_trace"),
    path("orders/<str:number>/trace/difference", Difference.as_view(), name="order_trace_difference"),
]
