"""ERP drift: which documents stand otherwise in an ERP than here, as the night's look found them."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import htmx
from integrations.models import DriftFinding, DriftLook

COLUMNS = (
    "id", "words", "unknown", "first_seen_at", "seen_at", "posting_id", "posting__reference", "posting__erp_number",
    "connection__name",
)  # fmt: skip


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def findings(request: HttpRequest) -> HttpResponse:
    """GET /ops/drift/: what differs, newest first; with ?unknown=1 what its ERP could not be asked for instead."""
    unknown = request.GET.get("unknown") == "1"
    rows = DriftFinding.objects.for_user(request.user).filter(unknown=unknown)
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-first_seen_at", "id")),
        "total": htmx.capped_count(rows),
        "unknown": unknown,
        "look": DriftLook.objects.order_by("-started_at").first(),
    }
    return htmx.render(request, "integrations/drift.html", context, fragment="integrations/_drift.html")
