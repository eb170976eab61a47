"""What other systems said: the list of snapshots, and one of them line by line."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx, tabs
from core.errors import Refusal
from core.subjects import Subject
from inventory.filters_snapshots import SnapshotFilter
from inventory.models import LineOutcome, SnapshotLine, StockSnapshot, StockSource
from inventory.snapshots import LEVELS
from inventory.wording_snapshots import FIGURES, PROBLEMS

COLUMNS = (
    "id", "ref", "as_of", "taken_at", "complete", "lines_total", "compared", "ignored", "unresolved", "refused",
    "source_id", "source__name", "cause_kind", "cause_uid", "cause_label",
)  # fmt: skip
LINES = ("n", "code", "place", "status", "quantity", "outcome", "problem", "measure", "item__sku", "location__code")
VIEWS: tabs.Views = (("All", {}), ("Something to explain", {"open": "true"}))
OUTCOMES: tabs.Views = (
    ("All", {}), ("Compared", {"outcome": "COMPARED"}), ("To explain", {"outcome": "UNRESOLVED"}),
    ("Left out", {"outcome": "IGNORED"}), ("Refused", {"outcome": "REFUSED"}),
)  # fmt: skip


@require_safe
@permission_required("inventory.view_stocksnapshot", raise_exception=True)
def snapshots(request: HttpRequest) -> HttpResponse:
    """GET /stock/snapshots/: filters and page in the address; the list alone when htmx asks."""
    rows = SnapshotFilter(request.GET, StockSnapshot.objects.for_user(request.user)).found()
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "sources": list(StockSource.objects.for_user(request.user).values_list("code", "name")),
        "views": tabs.of(request, VIEWS),
        "narrowed": any(request.GET.get(name) for name in SnapshotFilter.base_filters),
    }
    return htmx.render(request, "inventory/snapshots.html", context, fragment="inventory/_snapshots.html")


@require_safe
@permission_required("inventory.view_stocksnapshot", raise_exception=True)
def snapshot(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """GET /stock/snapshots/<id>?outcome=: what was said, line by line, at the places this person sees."""
    rows = StockSnapshot.objects.for_user(request.user).select_related("source", "status_map")
    found = get_object_or_404(rows, pk=snapshot_id)
    outcome = request.GET.get("outcome", "")
    if outcome and outcome not in LineOutcome.values:
        raise Refusal("bad_filter", "There is no such outcome.", status=400)
    lines = SnapshotLine.objects.for_user(request.user).filter(snapshot=found)
    if outcome:
        lines = lines.filter(outcome=outcome)
    context = {
        "snapshot": found,
        "cause": Subject(found.cause_kind, found.cause_uid, found.cause_label),
        "page": htmx.keyset_page(lines.values(*LINES), request, order=("n",)),
        "total": htmx.capped_count(lines),
        "views": _outcomes(request, found),
        "figures": FIGURES,
        "problems": PROBLEMS,
        "levels": LEVELS,
        "narrowed": bool(outcome),
    }
    return htmx.render(request, "inventory/snapshot.html", context, fragment="inventory/_snapshot_lines.html")


def _outcomes(request: HttpRequest, found: StockSnapshot) -> list[dict[str, Any]]:
    counts = (found.lines_total, found.compared, found.unresolved, found.ignored, found.refused)
    return [tab | {"count": count} for tab, count in zip(tabs.of(request, OUTCOMES), counts, strict=True)]
