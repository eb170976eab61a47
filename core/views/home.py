"""The first page after signing in, and what was addressed to the person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx, screens
from core import inbox as letters


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /: the panels of this person's roles, overdue work first; each loads by itself."""
    context = {"panels": screens.panels_for(request.user), "hour": timezone.localtime().hour}
    return htmx.render(request, "core/home.html", context)


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """GET /inbox: events that name this person (assigned, mentioned, asked to approve), newest first."""
    events, seen = letters.recent(request.user), letters.seen(request.user)
    if events and events[0].pk > seen:
        letters.look(request.user, events[0].pk)
        screens.forget_counts(request.user)
    return htmx.render(request, "core/inbox.html", {"events": events, "seen": seen})
