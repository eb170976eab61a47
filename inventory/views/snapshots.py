"""What other systems said: the list of snapshots, and one of them line by line."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
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
VIEWS = (("All", ""), ("Something to explain", "true"))


@require_safe
@permission_required("inventory.view_stocksnapshot", raise_exception=True)
def snapshots(request: HttpRequest) -> HttpResponse:
    """GET /stock/snapshots/: filters and page in the address; the list alone when htmx asks."""
    rows = SnapshotFilter(request.GET, StockSnapshot.objects.for_user(request.user)).found()
    chosen = request.GET.get("open", "")
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "sources": list(StockSource.objects.for_user(request.user).values_list("code", "name")),
        "views": [
            {"label": label, "url": f"?open={value}" if value else "?", "current": chosen == value}
            for label, value in VIEWS
        ],
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
        "views": _views(found, outcome),
        "figures": FIGURES,
        "problems": PROBLEMS,
        "levels": LEVELS,
        "narrowed": bool(outcome),
    }
    return htmx.render(request, "inventory/snapshot.html", context, fragment="inventory/_snapshot_lines.html")


def _views(found: StockSnapshot, outcome: str) -> list[dict[str, Any]]:
    counts = (
        ("All", "", found.lines_total),
        ("Compared", "COMPARED", found.compared),
        ("To explain", "UNRESOLVED", found.unresolved),
        ("Left out", "IGNORED", found.ignored),
        ("Refused", "REFUSED", found.refused),
    )
    return [
        {"label": label, "url": f"?outcome={value}" if value else "?", "count": count, "current": outcome == value}
        for label, value, count in counts
    ]
