"""One item on one page: where it lies, where it went, and whom it is promised to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
from inventory import skus
from inventory.models import INSIDE, Item, Reservation, State, Stock, StockMovement

MOVEMENTS, RESERVATIONS = 25, 50
COLUMNS = (*(state.value for state in INSIDE), "reserved")


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def item(request: HttpRequest, sku: str) -> HttpResponse:
    """GET /stock/<sku>: what of it lies at the sites this person sees."""
    found = get_object_or_404(Item.objects.for_user(request.user), sku=skus.normalise(sku))
    rows = _stock(request, found)
    reservations = list(_reservations(request, found)[: RESERVATIONS + 1])
    context = {
        "item": found,
        "aliases": list(found.aliases.values_list("system", "code")),
        "stock": rows,
        "totals": {name: sum(row[name] for row in rows) for name in (*COLUMNS, "free")},
        "movements": list(_movements(request, found)[:MOVEMENTS]),
        "reservations": reservations[:RESERVATIONS],
        "parts": list(found.parts.order_by("part__sku").values("part__sku", "part__name", "quantity"))
        if found.is_kit
        else [],
        "may_change": request.user.has_perm("inventory.change_item"),
        "more_reservations": len(reservations) > RESERVATIONS,
        "state": State,
    }
    return htmx.render(request, "inventory/item.html", context, fragment="inventory/_item.html")


def _stock(request: HttpRequest, found: Item) -> list[dict[str, Any]]:
    rows = Stock.objects.for_user(request.user).filter(item=found).order_by("location__code")
    names = ("location__code", "location__name", "location__kind", "location__status")
    return [row | {"free": row["sellable"] - row["reserved"]} for row in rows.values(*names, *COLUMNS)]


def _movements(request: HttpRequest, found: Item) -> Any:
    places = ("from_location__code", "from_state", "to_location__code", "to_state")
    cause = ("cause_kind", "cause_uid", "cause_label")
    rows = StockMovement.objects.for_user(request.user).filter(item=found).order_by("-id")
    return rows.values("id", "occurred_at", "quantity", "actor_label", "note", *places, *cause)


def _reservations(request: HttpRequest, found: Item) -> Any:
    cause = ("demand__cause_kind", "demand__cause_uid", "demand__cause_label", "demand__demand_uid")
    rows = Reservation.objects.for_user(request.user).held().filter(item=found).order_by("-id")
    return rows.values("id", "quantity", "kind", "expires_at", "created_at", "location__code", *cause)
