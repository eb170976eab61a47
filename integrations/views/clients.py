"""The programs that call the API: what they may, what they did, and their keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.decorators import permission_required
from django.db.models import Max, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem
from integrations import keys, usage
from integrations.models import ApiClient, ApiKey

sees = permission_required("integrations.view_apiclient", raise_exception=True)
manages = permission_required("integrations.manage_apiclient", raise_exception=True)


@require_safe
@sees
def clients(request: HttpRequest) -> HttpResponse:
    """GET /ops/clients/: every client with what it called in the last 30 days, and when its keys end."""
    rows = ApiClient.objects.order_by("name")
    page = htmx.keyset_page(rows, request, order=("name", "pk"))
    shown = [row.pk for row in page.rows]
    held = ApiKey.objects.filter(keys.usable(), client__in=shown).order_by().values("client_id")
    known = {row["client_id"]: row for row in held.annotate(used=Max("last_used_at"), ends=Min("expires_at"))}
    scores = usage.scorecard(shown)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "keys": known,
        "scores": {each.client_id: each for each in scores},
    }
    return htmx.render(request, "integrations/clients.html", context, fragment="integrations/_clients.html")


@require_safe
@sees
def client(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /ops/clients/<id>: its scorecard by endpoint, its keys and what it may do."""
    found = get_object_or_404(ApiClient.objects.prefetch_related("channels", "sites"), pk=pk)
    now = timezone.now()
    whole, scores = usage.endpoints(found.pk)
    context = {
        "program": found,
        "scores": scores,
        "whole": whole,
        "ending": [each for each in scores if each.ending],
        "keys": [(key, _state(key, now)) for key in found.keys.order_by("-pk")[:50]],
        "may": request.user.has_perm("integrations.manage_apiclient"),
    }
    return htmx.render(request, "integrations/client.html", context)


@require_POST
@manages
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """POST …/rotate: a new key, shown this once; those before go on for so many hours."""
    found = get_object_or_404(ApiClient, pk=pk)
    text = request.POST.get("hours", "")
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise Invalid([Problem("hours", "number", "A whole number of hours.")], status=422)
    key = keys.rotate(found.pk, overlap=timedelta(hours=int(text)), actor=actors.person(request.user))
    return htmx.render(request, "integrations/client_key.html", {"program": found, "key": key, "hours": int(text)})


@require_POST
@manages
def revoke(request: HttpRequest, pk: int, key_id: int) -> HttpResponse:
    """POST …/keys/<id>/revoke: it opens nothing from now on."""
    key = get_object_or_404(ApiKey, pk=key_id, client_id=pk)
    keys.revoke(key.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{key} opens nothing any more")
    return htmx.redirect(request, reverse("integrations:client", args=[pk]))


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "REVOKED"
    if key.expires_at is None:
        return "OPEN"
    return "EXPIRED" if key.expires_at <= now else "ENDING"
