"""One connection: how it is doing and why, how far its feeds were read, and what it last called."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import htmx, timeline
from core.subjects import Subject
from integrations import alike, bulkhead, codes, insight, phases
from integrations.channels import listings, polling, registry
from integrations.models import Connection, FeedState, Listing, OutboundCall
from integrations.models.connections import Breaker


@require_safe
@permission_required("integrations.view_connection", raise_exception=True)
def link(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """GET /ops/links/<id>: health, breaker, rate, backlog, feeds, and the calls it made, newest first."""
    found = find(request, connection_id)
    calls = OutboundCall.objects.filter(connection=found)
    if request.GET.get("failed") == "1":
        calls = calls.exclude(failure_class="")
    page = htmx.keyset_page(calls, request, order=("-id",))
    context = {"page": page, "total": htmx.capped_count(calls), "failed_only": request.GET.get("failed") == "1"}
    if htmx.partial(request):
        return htmx.part(request, "integrations/_link_calls.html", context)
    vendor = registry.find(found.vendor)
    titles = {feed.name: feed.title for feed in vendor.feeds} if vendor else {}
    context |= {
        "link": found,
        "breaker": Breaker.objects.filter(connection=found).first(),
        "calls": insight.calls(found),
        "rate": insight.rate(found),
        "under_way": bulkhead.used(found),
        "backlog": insight.backlog(found),
        "phased": phases.can_change(found),
        "groups": alike.groups([found], 20),
        "catalogue": _catalogue(found),
        "feeds": [(feed, titles.get(feed.name, feed.name)) for feed in found.feeds.order_by("name")],
        "secrets": list(found.sealed_secrets.filter(active=True).order_by("name", "-id")),
        "hook": request.build_absolute_uri(reverse("integrations:hook", args=[found.pk])) if found.channel else "",
        "events": timeline.of(Subject("connection", str(found.pk), found.name), 20),
        "words": timeline.words,
        "may": request.user.has_perm("integrations.pause_connection"),
    }
    return htmx.render(request, "integrations/link.html", context)


@require_POST
@permission_required("integrations.pause_connection", raise_exception=True)
def read_feed(request: HttpRequest, connection_id: UUID, name: str) -> HttpResponse:
    """POST /ops/links/<id>/feeds/<name>: read on now, or (`from=start`) all of it again; repeats change nothing."""
    found = find(request, connection_id)
    feed = FeedState.objects.filter(connection=found, name=name).first()
    if feed is None:
        raise Http404("There is no such feed.")
    anew = request.POST.get("from") == "start"
    polling.restart(feed, "" if anew else feed.cursor)
    htmx.toast(request, f"{name} is read from its beginning" if anew else f"{name} is read on")
    return htmx.redirect(request, reverse("integrations:link", args=[found.pk]))


def _catalogue(connection: Connection) -> dict[str, Any]:
    """What is known of what it sells; its feed is the one named so."""
    return {
        "feed": listings.FEED,
        "listed": htmx.capped_count(Listing.objects.filter(connection=connection, gone_at=None)),
        "gone": htmx.capped_count(Listing.objects.filter(connection=connection).exclude(gone_at=None)),
        "missing": htmx.capped_count(codes.missing(connection)),
    }


def find(request: HttpRequest, connection_id: UUID) -> Connection:
    rows = Connection.objects.for_user(request.user).exclude(kind=Connection.Kind.WEBHOOK).select_related("channel")
    found = rows.filter(pk=connection_id).first()
    if found is None:
        raise Http404("There is no such connection.")
    return found
