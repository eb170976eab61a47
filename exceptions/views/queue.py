"""The queue: what is open, nearest its time first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import htmx, screens
from core.errors import Refusal
from core.htmx import Capped
from core.models import Site, User
from exceptions import board, present, reasons
from exceptions.filters import ORDERS, CaseFilter, grouping_of, order_of, rooted
from exceptions.models import Case, Severity, Status
from exceptions.models.case import CaseQuerySet
from exceptions.views import views

# Everything but the page itself: what a link to a case or an action on the whole view carries along.
CURSORS = ("after", "before")


@dataclass(frozen=True, slots=True)
class Listing:
    """The cases one address asks for, for one person."""

    user: User
    params: QueryDict
    site_ids: frozenset[int] | None  # what this person may see, at the site they narrowed their work to; None is all
    rows: CaseQuerySet
    sort: str
    group: str
    now: datetime

    @property
    def resolved(self) -> bool:
        return Status.RESOLVED in self.params.getlist("status")

    @property
    def filtered(self) -> bool:
        return self.group == "root" or any(self.params.get(name) for name in CaseFilter.base_filters)

    @property
    def address(self) -> str:
        """The query string without the page."""
        params = self.params.copy()
        for name in CURSORS:
            params.pop(name, None)
        return params.urlencode()


def listing(request: HttpRequest, params: QueryDict | None = None) -> Listing:
    """What `params` (default: this request's) ask for. Invalid (400) when they make no sense."""
    user: Any = request.user
    asked = request.GET if params is None else params
    site = screens.current_site(request)
    site_ids = user.site_ids() if site is None else frozenset({site})
    rows: Any = Case.objects.for_sites(site_ids)
    now = timezone.now()
    # The plain queue is asked for most, and an empty FilterSet would only cost its forms.
    plain = not any(asked.get(name) for name in CaseFilter.base_filters)
    rows = rows.still_open() if plain else CaseFilter(asked, rows, user=user, now=now).found()
    sort = order_of(asked.get("sort", ""), resolved=Status.RESOLVED in asked.getlist("status"))
    group = grouping_of(asked.get("group", ""))
    if group == "root" and Status.RESOLVED not in asked.getlist("status"):
        rows = rooted(rows, site_ids)
    return Listing(user, asked, site_ids, rows, sort, group, now)


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def queue(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/: filters, order and page in the address; the list alone when htmx asks."""
    if not request.GET and not htmx.asked(request) and (begin := views.beginning(request)):
        return htmx.redirect(request, begin)
    wanted = listing(request)
    context = context_of(request, wanted)
    if htmx.partial(request):
        return htmx.part(request, ["exceptions/_list.html", "exceptions/_views_fresh.html"], context)
    sites = Site.objects.all() if wanted.site_ids is None else Site.objects.filter(pk__in=wanted.site_ids)
    context["sites"] = list(sites.values_list("code", "name"))
    context["reasons"] = [(r.code, r.title) for r in reasons.every()]
    context["severities"] = [(str(v), label) for v, label in Severity.choices]
    return htmx.render(request, "exceptions/queue.html", context)


def context_of(request: HttpRequest, wanted: Listing) -> dict[str, Any]:
    page = htmx.keyset_page(wanted.rows.values(*board.COLUMNS), request, order=ORDERS[wanted.sort])
    numbers = board.numbers(wanted.user, wanted.site_ids, wanted.now)
    counts = numbers.counts
    if wanted.filtered:
        counts = board.listed(wanted.rows, wanted.now, groups=wanted.sort == "due")
    under = board.symptoms([row["id"] for row in page.rows], wanted.site_ids)
    rows = present.lines(page.rows, wanted.user, wanted.now, under)
    return {
        "page": page,
        "rows": rows,
        "groups": _groups(rows, wanted, counts, first_page=page.start == 0),
        "numbers": numbers,
        "total": counts["open"],
        "listing": wanted,
        "sort": wanted.sort,
        "tail": f"?list={wrapped(wanted.address)}" if wanted.address else "",
        "tabs": _tabs(wanted, numbers),
        "views": views.tabs(wanted),
        "may_work": wanted.user.has_perm("exceptions.work_case"),
        "may_assign": wanted.user.has_perm("exceptions.assign_case"),
        "may_export": wanted.user.has_perm("exceptions.export_case"),
    }


def wrapped(address: str) -> str:
    """A query string as the value of one parameter."""
    return quote(address, safe="")


def rows_context(request: HttpRequest, ids: list[int]) -> dict[str, Any]:
    """Some rows of the list this person looks at, and its numbers, after something was done to them."""
    params = QueryDict(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    try:
        wanted = listing(request, params)
    except Refusal:
        wanted = listing(request, QueryDict())
    rows = list(Case.objects.for_user(wanted.user).filter(pk__in=ids).values(*board.COLUMNS))
    under = board.symptoms([row["id"] for row in rows], wanted.site_ids)
    numbers = board.numbers(wanted.user, wanted.site_ids, wanted.now)
    return {
        "rows": present.lines(rows, wanted.user, wanted.now, under),
        "listing": wanted,
        "numbers": numbers,
        "tabs": _tabs(wanted, numbers),
        "tail": f"?list={wrapped(wanted.address)}" if wanted.address else "",
        "may_work": wanted.user.has_perm("exceptions.work_case"),
    }


_GROUPS = {
    "overdue": ("Overdue", "triangle-alert"),
    "soon": ("Due within 1 hour", "clock"),
    "later": ("Later", "circle-dot"),
    "paused": ("Waiting and put aside", "pause"),
}


def _groups(
    rows: list[present.Line], wanted: Listing, counts: Mapping[str, Capped], *, first_page: bool
) -> list[dict[str, Any]]:
    """The rows under the headings of their clocks; one nameless group where the order is another."""
    if wanted.sort != "due" or wanted.resolved:
        return [{"title": "", "icon": "", "detail": "", "rows": rows}] if rows else []
    found: list[dict[str, Any]] = []
    for row in rows:
        name = board.group_of(row.rank or 0, wanted.now)
        if not found or found[-1]["name"] != name:
            title, icon = _GROUPS[name]
            count = counts[name]
            detail = f"{count} {'row' if count.value == 1 else 'rows'}" + (
                ", clock stopped or put aside" if name == "paused" else ""
            )
            oldest = row.due_at if name == "overdue" and first_page else None
            found.append({"name": name, "title": title, "icon": icon, "detail": detail, "oldest": oldest, "rows": []})
        found[-1]["rows"].append(row)
    return found


def _tabs(wanted: Listing, numbers: board.Numbers) -> list[dict[str, Any]]:
    """All open, mine, and a tab a team: plain addresses, so that each can be kept and shared."""
    base = reverse("exceptions:queue")
    viewing = wanted.params.get("view", "all") != "all"
    mine, chosen = wanted.params.get("owner") == "me", wanted.params.getlist("queue")
    tabs = [
        {
            "label": "All open",
            "url": f"{base}?view=all",
            "count": numbers["open"],
            "current": not mine and not chosen and not viewing,
        },
        {
            "label": "My queue",
            "url": f"{base}?owner=me",
            "count": numbers["mine"],
            "current": mine and not chosen and not viewing,
        },
    ]
    for code, name, count in numbers.teams:
        if count.value or code in chosen:
            tabs.append(
                {
                    "label": name,
                    "url": f"{base}?queue={code}",
                    "count": count,
                    "current": chosen == [code] and not viewing,
                }
            )
    return tabs


@require_safe
@permission_required("exceptions.view_case", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/new?since=<id>&…: how many cases this list has gained since, as the button that shows them."""
    return htmx.count_new(request, lambda params: listing(request, params).rows, reverse("exceptions:queue"))
