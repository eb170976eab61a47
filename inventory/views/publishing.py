"""What channels have been told of stock: how far behind each is, what it refuses, and telling it everything again."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from inventory.models import ChannelFeed, Publication
from inventory.services import full_publication

COLUMNS = ("id", "item__sku", "item__name", "problem", "changes", "acknowledged_at")


@require_safe
@permission_required("inventory.view_channelfeed", raise_exception=True)
def feeds(request: HttpRequest) -> HttpResponse:
    """GET /stock/publishing/: every channel with its backlog, lag and last error."""
    rows = list(ChannelFeed.objects.for_user(request.user).select_related("snapshot__owner").order_by("channel"))
    waiting = _waiting()
    now = timezone.now()
    shown = []
    for feed in rows:
        counts = waiting.get(feed.pk, {"backlog": 0, "oldest": None, "refused": 0})
        behind = (now - counts["oldest"]).total_seconds() if counts["oldest"] else 0.0
        backs_off = feed.backs_off_until is not None and feed.backs_off_until > now and feed.failures > 0
        shown.append({"feed": feed, "behind": behind, "backs_off": backs_off, **counts})
    return htmx.render(request, "inventory/publishing.html", {"feeds": shown}, fragment="inventory/_publishing.html")


def _waiting() -> dict[int, dict[str, Any]]:
    """Backlog and refusals by feed: only rows that wait or are refused are looked at, so it stays cheap."""
    rows = Publication.objects.filter(Q(dirty_since__isnull=False) | ~Q(problem="")).order_by().values("feed_id")
    found = rows.annotate(
        backlog=Count("pk", filter=Q(dirty_since__isnull=False)),
        oldest=Min("dirty_since"),
        refused=Count("pk", filter=~Q(problem="")),
    )
    return {row["feed_id"]: cast("dict[str, Any]", row) for row in found}


@require_POST
@permission_required("inventory.publish_stock", raise_exception=True)
def snapshot(request: HttpRequest, channel: str) -> HttpResponse:
    """POST /stock/publishing/<channel>/snapshot: tell it every figure, as a job."""
    feed = get_object_or_404(ChannelFeed.objects.for_user(request.user), channel=channel)
    job = full_publication.request(feed.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{feed} is being told every figure")
    return htmx.redirect(request, f"/jobs/{job.pk}")


@require_safe
@permission_required("inventory.view_channelfeed", raise_exception=True)
def refused(request: HttpRequest, channel: str) -> HttpResponse:
    """GET /stock/publishing/<channel>/refused: figures the channel doesn't take, and why."""
    feed = get_object_or_404(ChannelFeed.objects.for_user(request.user), channel=channel)
    rows = Publication.objects.for_user(request.user).filter(feed=feed).exclude(problem="")
    context = {
        "feed": feed,
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
    }
    return htmx.render(request, "inventory/refused_figures.html", context, fragment="inventory/_refused_figures.html")
