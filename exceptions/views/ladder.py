"""The ladder of one case: which steps fired, what comes next and when. Loaded into the case's page."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
from exceptions.models import Case, Escalation
from exceptions.services import escalation


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def ladder(request: HttpRequest, case_id: int) -> HttpResponse:
    """GET /exceptions/<id>/ladder: its steps of this and earlier runs, fired ones first, the next one named."""
    case = get_object_or_404(Case.objects.for_user(request.user).select_related("escalation", "site"), pk=case_id)
    rows = Escalation.objects.filter(case=case).select_related("step__role", "step__person")
    fired = list(rows.filter(fired_at__isnull=False).order_by("due_at", "pk"))
    coming = list(rows.filter(fired_at__isnull=True).order_by("held", "due_at", "pk"))
    zone = case.site.time_zone if case.site else None
    context = {
        "case": case,
        "zone": zone,
        "fired": [(row, escalation.when(row.step)) for row in fired],
        "coming": [(row, escalation.when(row.step)) for row in coming],
    }
    return htmx.part(request, "exceptions/_ladder.html", context)
