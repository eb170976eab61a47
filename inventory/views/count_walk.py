"""Counting on a handheld: what a site has to count, one count at a time, scan by scan."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count as CountOf
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from inventory.models import Count, CountLine, CountStatus, Location, Tracking
from inventory.services import counts, naming
from inventory.views import asking

OWNERS, SEEN = 8, 50  # items an unknown code is offered to; lots and serials shown of the line at hand


@require_safe
@permission_required("inventory.view_count", raise_exception=True)
def site(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/counts/: what this site has to count, the most urgent first."""
    place = get_object_or_404(Location.objects.for_user(request.user).select_related("site"), site__code=code)
    rows = Count.objects.for_user(request.user).to_do().filter(location=place)
    page = htmx.keyset_page(
        rows.annotate(items=CountOf("lines"), seen=CountOf("lines", filter=Q(lines__counted__isnull=False))),
        request,
        order=("due_at", "id"),
    )
    context = {"place": place, "page": page, "total": htmx.capped_count(rows)}
    return htmx.render(request, "inventory/site_counts.html", context, fragment="inventory/_site_counts.html")


@require_safe
@permission_required("inventory.view_count", raise_exception=True)
def walk(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """GET /s/<site>/counts/<id>: the next thing to look at. The books' figures are never on it."""
    context = _context(request, _find(request, code, pk))
    return htmx.render(request, "inventory/count_walk.html", context, fragment="inventory/_count_walk.html")


@require_POST
@permission_required("inventory.work_count", raise_exception=True)
def scan(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """POST /s/<site>/counts/<id>/scan: one unit seen."""
    found = _find(request, code, pk)
    text, at = asking.scanned(request)
    lines: list[CountLine] = []

    def work() -> None:
        lines.append(counts.scan(found.pk, code=text, at=at, actor=actors.person(request.user)))

    try:
        asking.once(request, f"count:{found.pk}", text, work)
    except Refusal as refusal:
        words = {"refusal": refusal, "code": text, "site": code, "count": found, "owners": _owners(found, refusal)}
        return htmx.part(request, "inventory/_refused_scan.html", words, status=refusal.status)
    said = f"{lines[-1].item.name}: {lines[-1].counted}" if lines else f"{text} was counted already"
    return _answer(request, code, pk, said, lines[-1].pk if lines else 0)


@require_POST
@permission_required("inventory.work_count", raise_exception=True)
def act(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """POST /s/<site>/counts/<id>/<verb>: start, enter a figure, say whose an unknown code is, or finish."""
    found = _find(request, code, pk)
    actor = actors.person(request.user)
    current = 0
    try:
        if verb == "start":
            counts.start(found.pk, version=typed.version(request), actor=actor)
            said = "Scan the first item"
        elif verb == "enter":
            line = counts.enter(
                found.pk, line_id=typed.count(request, "line", 1), quantity=typed.count(request, "quantity"),
                code=typed.words(request, "code", 100), actor=actor,
            )  # fmt: skip
            said, current = f"{line.item.name}: {line.counted}", line.pk
        elif verb == "unknown":
            line = counts.scan(
                found.pk, code=typed.words(request, "code", 100), line_id=typed.count(request, "line", 1), actor=actor
            )
            said, current = f"{line.item.name}: {line.counted}", line.pk
        elif verb == "finish":
            rest = bool(request.POST.get("rest"))
            done = counts.finish(found.pk, rest_is_zero=rest, version=typed.version(request), actor=actor)
            said = "Some lines need a second look" if done.status == CountStatus.COUNTING else "Count finished"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, code, pk))
        return htmx.refuse(request, refusal, fresh="inventory/_fresh_walk.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("inventory:count_walk", args=[code, pk]))
    return _answer(request, code, pk, said, current)


def _owners(found: Count, refusal: Refusal) -> list[CountLine]:
    """Whose an unknown code may be: the person sees the article and says so."""
    if refusal.code not in {"unknown_name", "ambiguous_code"}:
        return []
    lines = found.lines.select_related("item").filter(round=found.round).exclude(item__tracking=Tracking.NONE)
    return list(lines.order_by("item__sku")[:OWNERS])


def _find(request: HttpRequest, code: str, pk: int) -> Count:
    rows = Count.objects.for_user(request.user).select_related("location__site")
    return get_object_or_404(rows, pk=pk, location__site__code=code)


def _answer(request: HttpRequest, code: str, pk: int, said: str, current: int) -> HttpResponse:
    context = _context(request, _find(request, code, pk), current)
    return htmx.part(request, "inventory/_count_walk.html", context | {"said": said})


def _context(request: HttpRequest, found: Count, current: int = 0) -> dict[str, Any]:
    lines = [
        line
        for line in found.lines.select_related("item").order_by("item__sku")
        if line.round == found.round or found.status != CountStatus.COUNTING
    ]
    asked = request.GET.get("line", "")
    left = [line for line in lines if line.counted is None]
    chosen = next((line for line in lines if line.pk == current or str(line.pk) == asked), None)
    open_ = found.status in {CountStatus.REQUESTED, CountStatus.COUNTING}
    may = open_ and request.user.has_perm("inventory.work_count")
    code = found.location.site.code if found.location.site else ""
    current_line = chosen or (left[0] if left else lines[-1] if lines else None)
    return {
        "count": found,
        "place": found.location,
        "site": code,
        "lines": lines,
        "left": left,
        "current": current_line,
        "hint": naming.hint(current_line.item) if current_line else "",
        "seen": list(current_line.lots.filter(counted__gt=0).order_by("code")[:SEEN])
        if current_line and naming.tracked(current_line.item)
        else [],
        "may": may,
        "template": "inventory/_count_walk.html",
        "codes": naming.device_codes([line.item for line in lines]) if may else {},
        "scan_url": reverse("inventory:count_scan", args=[code, found.pk]) if may else "",
        "said": "",
    }
