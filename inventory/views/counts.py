"""Counts for those who ask for them and approve them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count as CountOf
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, tabs, timeline, typed
from core.errors import Invalid, Problem, Refusal
from exceptions.models import Case
from inventory import count_filters, wording
from inventory.count_filters import CountFilter
from inventory.count_reasons import books, worth
from inventory.models import (
    COUNT_OPEN,
    COUNT_TO_DO,
    Count,
    CountLine,
    CountLot,
    CountOrigin,
    CountStatus,
    Location,
    Tracking,
)
from inventory.services import counts
from inventory.views import choosing

COLUMNS = (
    "id", "status", "origin", "due_at", "location__code", "location__name", "requested_by", "counted_by",
    "cause_kind", "cause_uid", "cause_label", "posted_at",
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("To count", {"status": ["REQUESTED", "COUNTING"]}),
    ("To approve", {"status": ["IN_REVIEW"]}),
    ("Posted with a difference", {"status": ["POSTED"], "differs": ["true"]}),
)
LINES = 500


@require_safe
@permission_required("inventory.view_count", raise_exception=True)
def counts_list(request: HttpRequest) -> HttpResponse:
    """GET /stock/counts/: filters, order and page in the address; the list alone when htmx asks."""
    asked = CountFilter(request.GET, Count.objects.for_user(request.user))
    sort = count_filters.order_of(request.GET.get("sort", ""))
    rows = asked.found()
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=count_filters.ORDERS[sort])
    _enrich(page.rows)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "sort": sort,
        "views": tabs.of(request, VIEWS),
        "places": choosing.places(request),
        "statuses": CountStatus.choices,
        "origins": CountOrigin.choices,
        "labels": dict(CountStatus.choices),
        "origin_labels": dict(CountOrigin.choices),
        "narrowed": any(request.GET.get(name) for name in CountFilter.base_filters),
    }
    return htmx.render(request, "inventory/counts.html", context, fragment="inventory/_counts.html")


def _enrich(rows: list[dict[str, Any]]) -> None:
    """How many lines each count has, and how many differ: one query for the page."""
    lines = CountLine.objects.filter(count__in=[row["id"] for row in rows]).order_by().values("count_id")
    sums = {
        line["count_id"]: line
        for line in lines.annotate(
            items=CountOf("pk"),
            done=CountOf("pk", filter=Q(counted__isnull=False)),
            different=CountOf("pk", filter=~Q(difference=0)),
        )
    }
    for row in rows:
        row.update(sums.get(row["id"], {"items": 0, "done": 0, "different": 0}))
        row["number"] = f"CT-{row['id']}"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("inventory.request_count", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /stock/counts/new: ask for items to be counted at a place; the form again (422) where that can't be."""
    values = {name: request.POST.get(name, request.GET.get(name, "")) for name in ("place", "items", "blind", "note")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            count_id = _request(request)
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        except Refusal as refusal:
            problems = {"items": refusal.message}
        else:
            htmx.toast(request, f"CT-{count_id} is asked for")
            return htmx.redirect(request, reverse("inventory:count", args=[count_id]))
    context = {"values": values, "problems": problems, "places": choosing.places(request)}
    status = 422 if problems else 200
    return htmx.render(
        request, "inventory/count_new.html", context, fragment="inventory/_count_form.html", status=status
    )


def _request(request: HttpRequest) -> int:
    place = Location.objects.for_user(request.user).filter(code=request.POST.get("place", "")).first()
    if place is None:
        raise Invalid([Problem("place", "unknown", "Choose a place.")], status=422)
    return counts.request(
        place.pk,
        choosing.items_named(request.POST.get("items", "")),
        cause=None,
        actor=actors.person(request.user),
        blind=bool(request.POST.get("blind")),
        note=typed.words(request, "note", 500),
    )


@require_safe
@permission_required("inventory.view_count", raise_exception=True)
def count(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /stock/counts/<id>: its lines, what they mean, and what may be done about it."""
    context = _context(request, _find(request, pk))
    return htmx.render(request, "inventory/count.html", context, fragment="inventory/_count.html")


@require_POST
@permission_required("inventory.view_count", raise_exception=True)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /stock/counts/<id>/<verb>: approve, recount, settle or cancel; the fresh page, or why not."""
    found = _find(request, pk)
    if verb not in VERBS:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    permission, said = VERBS[verb]
    if not request.user.has_perm(permission):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    about: dict[str, Any] = {"actor": actors.person(request.user)}
    try:
        if verb == "cancel":
            counts.cancel(found.pk, reason=typed.words(request, "reason", 500), version=typed.version(request), **about)
        elif verb == "settle":
            counts.settle(found.pk, by_hand=True, **about)
        else:
            step = counts.approve if verb == "approve" else counts.recount
            step(found.pk, version=typed.version(request), **about)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, pk))
        return htmx.refuse(request, refusal, fresh="inventory/_fresh_count.html", context=fresh)
    htmx.toast(request, f"{found.number} {said}")
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("inventory:count", args=[pk]))
    return htmx.part(request, "inventory/_count.html", _context(request, _find(request, pk)))


APPROVE, REQUEST = "inventory.approve_count", "inventory.request_count"
VERBS = {
    "approve": (APPROVE, "is approved and posted"),
    "recount": (APPROVE, "is to be counted again"),
    "settle": (APPROVE, "is settled as far as it can be"),
    "cancel": (REQUEST, "is cancelled"),
}


def _find(request: HttpRequest, pk: int) -> Count:
    rows = Count.objects.for_user(request.user).select_related("location__site")
    return get_object_or_404(rows, pk=pk)


def _lots(lines: list[CountLine], *, hidden: bool) -> dict[int, list[CountLot]]:
    """What was found lot by lot; while it is counted blind, only what was scanned."""
    found: dict[int, list[CountLot]] = {line.pk: [] for line in lines}
    if any(line.item.tracking != Tracking.NONE for line in lines):
        rows = CountLot.objects.filter(line__in=lines)
        for lot in (rows.filter(counted__isnull=False) if hidden else rows).order_by("code"):
            if lot.counted or lot.expected_high or lot.difference or lot.posted:
                found[lot.line_id].append(lot)
    return found


def _context(request: HttpRequest, found: Count) -> dict[str, Any]:
    lines = list(found.lines.select_related("item").order_by("item__sku")[:LINES])
    # Who is still to count blind must not learn the books' figure from this page.
    hidden = found.blind and found.status in COUNT_TO_DO and not request.user.has_perm(APPROVE)
    lots = _lots(lines, hidden=hidden)
    sums: dict[str, Any] = {}
    for line in lines:
        if line.value is not None:
            sums[line.currency] = sums.get(line.currency, 0) + line.value
    case = Case.objects.for_user(request.user).filter(subject_kind="count", subject_uid=str(found.pk), is_open=True)
    status, user = found.status, request.user
    return {
        "count": found,
        "lines": lines,
        "lots": lots,
        "hidden": hidden,
        "books": books,
        "worth": worth,
        "sums": sums,
        "units": sum(line.difference or 0 for line in lines),
        "owed": [
            line
            for line in lines
            if line.settled and (line.difference != line.posted or any(lot.owed for lot in lots[line.pk]))
        ],
        "case": case.first(),
        "events": wording.history(found.subject),
        "words": timeline.words,
        "may": {
            "walk": status in COUNT_TO_DO and found.location.site_id and user.has_perm("inventory.work_count"),
            "approve": status == CountStatus.IN_REVIEW and user.has_perm(APPROVE),
            "cancel": status in COUNT_OPEN and user.has_perm(REQUEST),
            "settle": status == CountStatus.POSTED and user.has_perm(APPROVE),
        },
    }
