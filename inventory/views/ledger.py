"""The ledger: every movement of units, newest first, with when it happened and when Backroom heard of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from core import downloads, htmx
from inventory.filters import CAUSES, REACHED, LedgerFilter
from inventory.models import State, StockMovement
from inventory.views import choosing

LATE = timedelta(hours=1)  # heard of so long after it happened, a movement is marked
PLACES = ("from_location__code", "from_state", "to_location__code", "to_state")
COLUMNS = (
    "id", "occurred_at", "recorded_at", "item__sku", "quantity", *PLACES, "cause_kind", "cause_uid", "cause_label",
    "reason", "actor_label", "note",
)  # fmt: skip
EXPORTED = (
    ("Movement", "id"), ("Happened", "occurred_at"), ("Recorded", "recorded_at"), ("SKU", "item__sku"),
    ("Units", "quantity"), ("From", "from_location__code"), ("From state", "from_state"),
    ("To", "to_location__code"), ("To state", "to_state"), ("Because of", "cause_label"), ("Cause", "cause_kind"),
    ("Cause id", "cause_uid"), ("Reason", "reason"), ("By", "actor_label"), ("Note", "note"),
)  # fmt: skip


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def ledger(request: HttpRequest) -> HttpResponse:
    """GET /stock/ledger/: movements at the places this person sees."""
    rows = _asked(request)
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",))
    for row in page.rows:
        row["late"] = row["recorded_at"] - row["occurred_at"] >= LATE
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "places": choosing.places(request),
        "states": REACHED,
        "causes": CAUSES,
        "state": State,
        "narrowed": any(request.GET.get(name) for name in LedgerFilter.base_filters),
    }
    return htmx.render(request, "inventory/ledger.html", context, fragment="inventory/_ledger.html")


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /stock/ledger.csv?…: the movements as filtered, newest first, streamed."""
    rows = _asked(request).order_by("-id").values_list(*(column for _, column in EXPORTED))
    return downloads.csv_file("ledger", [title for title, _ in EXPORTED], rows[: downloads.MOST], line=_worded)


def _asked(request: HttpRequest) -> QuerySet[Any]:
    return LedgerFilter(request.GET, StockMovement.objects.for_user(request.user), request=request).found()


def _worded(row: list[Any]) -> list[Any]:
    row[6], row[8] = State(row[6]).label, State(row[8]).label
    return row
