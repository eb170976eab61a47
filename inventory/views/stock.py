"""What lies where: by item, and by place."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from core import downloads, htmx
from core.errors import Invalid, Problem
from inventory.filters import NEEDS, STATES, ItemFilter, PlaceFilter
from inventory.models import INSIDE, Item, Location, Stock
from inventory.views import choosing

COLUMNS = (*(state.value for state in INSIDE), "reserved")
ORDERS: dict[str, tuple[str, ...]] = {"sku": ("sku",), "-sku": ("-sku",), "-new": ("-id",)}
EXPORTED = (
    "SKU", "Name", "Location", "Sellable", "Promised", "Free", "Damaged", "Quarantined", "To inspect", "Coming",
)  # fmt: skip


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def by_item(request: HttpRequest) -> HttpResponse:
    """GET /stock/: items with what lies of them at the places this person sees, or at those asked for."""
    asked, items, sort = _asked(request)
    page = htmx.keyset_page(items.values("id", "sku", "name", "active", "is_kit"), request, order=ORDERS[sort])
    _sum_up(page.rows, asked.stock)
    context = {
        "page": page,
        "total": htmx.capped_count(items),
        "sort": sort,
        "places": choosing.places(request),
        "states": STATES,
        "needs": NEEDS,
        "narrowed": any(request.GET.get(name) for name in ItemFilter.base_filters),
    }
    return htmx.render(request, "inventory/stock.html", context, fragment="inventory/_stock.html")


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def by_place(request: HttpRequest) -> HttpResponse:
    """GET /stock/places/: each place with all that lies there."""
    asked = PlaceFilter(request.GET, Location.objects.for_user(request.user))
    places = asked.found()
    names = ("id", "code", "name", "kind", "status")
    page = htmx.keyset_page(places.values(*names), request, order=("code",))
    _sum_up_places(page.rows)
    context = {
        "page": page,
        "total": htmx.capped_count(places),
        "narrowed": any(request.GET.get(name) for name in PlaceFilter.base_filters),
    }
    return htmx.render(request, "inventory/places.html", context, fragment="inventory/_places.html")


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /stock/export.csv?…: one line per item and place of the list as filtered, streamed."""
    asked, items, sort = _asked(request)
    order = [f"-item__{o[1:]}" if o.startswith("-") else f"item__{o}" for o in ORDERS[sort]]
    rows = asked.stock.filter(item__in=items.order_by().values("pk")).order_by(*order, "location__code", "pk")
    names = ("item__sku", "item__name", "location__code", "sellable", "reserved")
    rest = ("damaged", "quarantined", "awaiting_inspection", "in_transit_in")
    return downloads.csv_file("stock", EXPORTED, rows.values_list(*names, *rest)[: downloads.MOST], line=_with_free)


def _with_free(row: list[Any]) -> list[Any]:
    sku, name, place, sellable, reserved, *rest = row
    return [sku, name, place, sellable, reserved, sellable - reserved, *rest]


def _asked(request: HttpRequest) -> tuple[ItemFilter, QuerySet[Item], str]:
    sort = request.GET.get("sort", "") or "sku"
    if sort not in ORDERS:
        raise Invalid([Problem("sort", "unknown", f"The list can't be ordered by {sort[:40]}.")], code="bad_sort")
    stock = Stock.objects.for_user(request.user).order_by()
    asked = ItemFilter(request.GET, Item.objects.for_user(request.user), stock, request=request)
    return asked, asked.found(), sort


def _sum_up(rows: list[dict[str, Any]], stock: QuerySet[Stock]) -> None:
    """Add each item's units over the places: one query for the page."""
    of_page = stock.filter(item__in=[row["id"] for row in rows]).values("item_id")
    sums: dict[int, dict[str, Any]] = {
        found["item_id"]: dict(found) for found in of_page.annotate(places=Count("id"), **_sums())
    }
    for row in rows:
        _complete(row, sums.get(row["id"]))


def _sum_up_places(rows: list[dict[str, Any]]) -> None:
    at = Stock.objects.filter(location__in=[row["id"] for row in rows]).order_by().values("location_id")
    holding = Count("id", filter=Q(sellable__gt=0))
    sums: dict[int, dict[str, Any]] = {
        found["location_id"]: dict(found) for found in at.annotate(items=holding, **_sums())
    }
    for row in rows:
        _complete(row, sums.get(row["id"]))


def _sums() -> dict[str, Sum]:
    return {f"sum_{name}": Sum(name) for name in COLUMNS}


def _complete(row: dict[str, Any], found: dict[str, Any] | None) -> None:
    found = found or {}
    row |= {name: found.get(f"sum_{name}") or 0 for name in COLUMNS}
    row["free"] = row["sellable"] - row["reserved"]
    row["places"], row["items"] = found.get("places", 0), found.get("items", 0)
