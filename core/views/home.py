"""The first page after signing in."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx, screens


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: the panels of this person's roles, overdue work first; each loads by itself."""
    context = {"panels": screens.panels_for(request.user), "hour": timezone.localtime().hour}
    return htmx.render(request, "core/home.html", context)


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """GET /favicon.ico: what browsers ask for on pages that name no icon, such as the administration's."""
    return redirect(static("favicon.svg"), permanent=True)


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """GET /offline.js: the service worker of handheld pages, at the top as it answers for paths beneath its own."""
    found = finders.find("offline.js") or (settings.STATIC_ROOT and f"{settings.STATIC_ROOT}/offline.js")
    return HttpResponse(
        Path(str(found)).read_bytes(), content_type="text/javascript", headers={"Cache-Control": "no-cache"}
    )
