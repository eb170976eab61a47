"""Every reason the portal knows, with what is open now."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import htmx
from core.htmx import Capped
from exceptions import board, reasons
from exceptions.models import Case, Severity


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def registry(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/reasons/: what opens each case, what clears it, its clocks and actions, and how many are open."""
    known = reasons.every()
    scope = Case.objects.for_user(request.user).still_open()
    found = board.capped_counts({r.code: scope.filter(reason=r.code) for r in known}) if known else {}
    counts = {code: Capped(count) for code, count in found.items()}
    groups: dict[str, list[dict[str, object]]] = {}
    for reason in known:
        line = {"reason": reason, "count": counts[reason.code], "severity": Severity(reason.severity).label}
        groups.setdefault(reasons.team(reason.queue).title, []).append(line)
    return htmx.render(request, "exceptions/reasons.html", {"groups": groups, "known": len(known)})
