"""Lists of orders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from core import downloads, htmx, tabs
from orders import filters
from orders.filters import OrderFilter
from orders.models import Channel, Hold, Order, OrderLine
from orders.services import standing

COLUMNS = (
    "id", "number", "channel__name", "channel_number", "status", "placed_at", "promise_by", "buyer_name", "currency",
    "total", "payment_state", "test", "method",
)  # fmt: skip
EXPORTED = (
    ("Order", "number"), ("Channel", "channel__code"), ("Channel's number", "channel_number"),
    ("Channel's reference", "channel_ref"), ("Status", "status"), ("Placed", "placed_at"), ("Imported", "imported_at"),
    ("Promise", "promise_by"), ("Method", "method"), ("Payment, says the channel", "payment_state"),
    ("Total", "total"), ("Currency", "currency"), ("Test", "test"), ("Payment", "pk"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}), ("Waiting for stock", {"needs": "unallocated"}), ("On hold", {"needs": "held"}),
    ("In work", {"status": "ACCEPTED"}), ("Unknown SKU", {"needs": "unmapped"}),
    ("Figures disagree", {"needs": "disagreeing"}),
)  # fmt: skip


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def orders(request: HttpRequest) -> HttpResponse:
    """GET /orders/: filters, order and page in the address; the list alone when htmx asks."""
    sort = filters.order_of(request.GET.get("sort", ""))
    rows = _asked(request, request.GET)
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=filters.ORDERS[sort])
    _enrich(page.rows)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "sort": sort,
        "newest": htmx.newest(Order.objects.for_user(request.user)),
        "channels": list(Channel.objects.values_list("code", "name")),
        "filters": OrderFilter.base_filters,
        "views": tabs.of(request, VIEWS),
        "narrowed": any(request.GET.get(name) for name in OrderFilter.base_filters),
    }
    return htmx.render(request, "orders/list.html", context, fragment="orders/_list.html")


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET /orders/new?since=<id>&…: how many orders this list has gained since, as the button that shows them."""
    return htmx.count_new(request, lambda params: _asked(request, params), reverse("orders:list"))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /orders/export.csv?…: the list as filtered and ordered, without anything about the buyer."""
    order = filters.ORDERS[filters.order_of(request.GET.get("sort", ""))]
    rows = _asked(request, request.GET).order_by(*order).values_list(*[column for _, column in EXPORTED])
    return downloads.csv_file("orders", [title for title, _ in EXPORTED], _told(rows[: downloads.MOST]))


def _told(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The rows with how their money stands in place of their keys; the channel's word where no event says."""
    channels = [column for _, column in EXPORTED].index("payment_state")
    left = iter(rows.iterator(chunk_size=downloads.CHUNK))
    while some := list(islice(left, downloads.CHUNK)):
        stands = standing.several([row[-1] for row in some])
        for row in some:
            known = stands.get(row[-1])
            yield [*row[:-1], known.words if known else row[channels]]


def _asked(request: HttpRequest, params: QueryDict) -> QuerySet[Order]:
    return OrderFilter(params, Order.objects.for_user(request.user)).found()


def _enrich(rows: list[dict[str, Any]]) -> None:
    """What each row says about its lines, holds and money: a few queries for the page, however long."""
    ids = [row["id"] for row in rows]
    lines: QuerySet[Any] = OrderLine.objects.filter(order__in=ids).order_by().values("order_id")
    sums = {
        line["order_id"]: line
        for line in lines.annotate(units=Sum("ordered"), sent=Sum("fulfilled"), waiting=Sum("open"))
    }
    held = dict(Hold.objects.standing().filter(order__in=ids).values_list("order_id", "type"))
    stands = standing.several(ids)
    for row in rows:
        row["paid"] = stands.get(row["id"])
        row.update(sums.get(row["id"], {"units": 0, "sent": 0, "waiting": 0}))
        row["hold"] = held.get(row["id"], "")
