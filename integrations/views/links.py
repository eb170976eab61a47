"""Connections: how each is doing, and stopping or starting one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from integrations import connections
from integrations.models import Connection, InboundMessage


@require_safe
@permission_required("integrations.view_connection", raise_exception=True)
def links(request: HttpRequest) -> HttpResponse:
    """GET /ops/links/: every connection with its health, breaker, backlog and last sign of life."""
    rows = list(
        Connection.objects.for_user(request.user)
        .exclude(kind=Connection.Kind.WEBHOOK)
        .select_related("channel", "breaker")
        .order_by("kind", "code")
    )
    counts = _counts()
    shown = [
        {
            "connection": row,
            "breaker": getattr(row, "breaker", None),
            "hook": request.build_absolute_uri(reverse("integrations:hook", args=[row.pk])) if row.channel else "",
            **counts.get(row.pk, {"backlog": 0, "failed": 0, "last": None}),
        }
        for row in rows
    ]
    return htmx.render(request, "integrations/links.html", {"links": shown}, fragment="integrations/_links.html")


@require_POST
@permission_required("integrations.pause_connection", raise_exception=True)
def pause(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST /ops/links/<id>/pause: with a reason, which everybody sees."""
    found = _find(request, connection_id)
    connections.pause(found.pk, reason=request.POST.get("reason", ""), actor=actors.person(request.user))
    htmx.toast(request, f"{found.name} is paused")
    return htmx.redirect(request, reverse("integrations:links"))


@require_POST
@permission_required("integrations.pause_connection", raise_exception=True)
def resume(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST /ops/links/<id>/resume."""
    found = _find(request, connection_id)
    connections.resume(found.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{found.name} goes on")
    return htmx.redirect(request, reverse("integrations:links"))


def _find(request: HttpRequest, connection_id: UUID) -> Connection:
    found = Connection.objects.for_user(request.user).filter(pk=connection_id).first()
    if found is None:
        raise Http404("There is no such connection.")
    return found


def _counts() -> dict[Any, dict[str, Any]]:
    """Backlog and failures by connection: only unfinished messages are counted, so it stays cheap at any volume."""
    rows = InboundMessage.objects.filter(status__in=("RECEIVED", "FAILED")).order_by().values("connection_id")
    found = rows.annotate(
        backlog=Count("pk", filter=Q(status="RECEIVED")), failed=Count("pk", filter=Q(status="FAILED"))
    )
    counts = {row["connection_id"]: {"backlog": row["backlog"], "failed": row["failed"], "last": None} for row in found}
    latest = Connection.objects.annotate(last=Max("messages__received_at")).values_list("pk", "last")
    for pk, last in latest:
        counts.setdefault(pk, {"backlog": 0, "failed": 0, "last": None})["last"] = last
    return counts
