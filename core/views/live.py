"""Counts for pages that stay open, for the moments when the live stream isn't there."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx, screens


@login_not_required
@require_safe
def stream(request: HttpRequest) -> HttpResponse:
    """GET /live here means no stream process stands in front: 204 makes the browser poll instead of reconnecting."""
    return htmx.finish(HttpResponse(status=204))


@login_not_required
@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """GET /live/counts: every number of the navigation this person may see, and the server's time."""
    if not request.user.is_authenticated:
        return htmx.finish(HttpResponse(status=401))
    fresh = {key: asdict(count) for key, count in screens.fresh_counts(request.user).items()}
    return htmx.finish(JsonResponse({"now": timezone.now().isoformat(), "counts": fresh}))
