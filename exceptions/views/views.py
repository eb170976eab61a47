"""Saved views: the tabs they are, keeping what is shown, and managing what one keeps."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import htmx, screens, typed
from core.errors import Refusal
from core.htmx import Capped
from exceptions import board
from exceptions.filters import CaseFilter, grouping_of, rooted
from exceptions.models import Case, SavedView
from exceptions.services import saved

SHOWN = 30
sees = permission_required("exceptions.view_case", raise_exception=True)


def address(view: SavedView) -> str:
    """Where a view is shown: its filters stand in the address, with its number so that its tab is the current one."""
    kept = f"{view.query}&" if view.query else ""
    return f"{reverse('exceptions:queue')}?{kept}view={view.pk}"


def _seen(user: Any) -> list[SavedView]:
    rows = SavedView.objects.for_user(user).order_by("name", "pk")
    return list(rows[:SHOWN])


def beginning(request: HttpRequest) -> str:
    """The address of the view this person's queue begins with; "" for everything open."""
    user: Any = request.user
    chosen = user.preferences.get(saved.DEFAULT)
    view = SavedView.objects.for_user(user).filter(pk=chosen).first() if chosen else None
    return address(view) if view else ""


def tabs(wanted: Any) -> list[dict[str, Any]]:
    """A tab a view, its count to follow (`counts`): the list isn't kept waiting for them."""
    current = wanted.params.get("view", "")
    return [
        {"id": view.pk, "label": view.name, "url": address(view), "current": current == str(view.pk)}
        for view in _seen(wanted.user)
    ]


@require_safe
@sees
def counts(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/views/counts: how many cases each view holds, in one round trip."""
    user: Any = request.user
    site = screens.current_site(request)
    site_ids = user.site_ids() if site is None else frozenset({site})
    now = timezone.now()
    wanted = {}
    for view in _seen(user):
        params = QueryDict(view.query)
        try:
            rows: Any = CaseFilter(params, Case.objects.for_sites(site_ids), user=user, now=now).found()
            rooting = grouping_of(params.get("group", "")) == "root"
        except Refusal:
            continue  # it names something that is no longer there
        wanted[str(view.pk)] = rooted(rows, site_ids) if rooting else rows
    found = {key: Capped(count) for key, count in board.capped_counts(wanted).items()} if wanted else {}
    return htmx.part(request, "exceptions/_view_counts.html", {"counts": found})


@require_http_methods(["GET", "POST"])
@sees
def keep(request: HttpRequest) -> HttpResponse:
    """/exceptions/views/new: name what is shown (GET asks, with the list's query as `list`), and go to its tab."""
    user: Any = request.user
    query = (request.POST if request.method == "POST" else request.GET).get("list", "")
    if request.method == "POST":
        view = saved.save(user, name=request.POST.get("name", ""), query=query, team=_team(request))
        if request.POST.get("begin"):
            saved.begin_with(user, view.pk)
        htmx.toast(request, f"Kept as “{view.name}”")
        return htmx.redirect(request, address(view))
    context = {"query": saved.one_form(query, user), "teams": saved.teams(user), "view": None}
    return _form(request, context)


@require_http_methods(["GET", "POST"])
@sees
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    """/exceptions/views/<id>: rename or share a view of one's own, let it hold what is shown, or begin with it."""
    user: Any = request.user
    if request.method == "GET":
        view = SavedView.objects.for_user(user).filter(pk=view_id).first()
        if view is None:
            raise Refusal("no_such_view", "There is no such view.", status=404)
        context = {"view": view, "mine": view.owner_id == user.pk, "teams": saved.teams(user)}
        context["begins"] = user.preferences.get(saved.DEFAULT) == view.pk
        context["query"] = request.GET.get("list", "")[:4000]
        return _form(request, context)
    if SavedView.objects.filter(pk=view_id, owner=user).exists():
        query = request.POST.get("list", "") if request.POST.get("renew") else None
        saved.change(user, view_id, name=request.POST.get("name", ""), team=_team(request), query=query)
    if request.POST.get("begin"):
        saved.begin_with(user, view_id)
    elif user.preferences.get(saved.DEFAULT) == view_id:
        saved.begin_with(user, None)
    return htmx.redirect(request, address(SavedView.objects.for_user(user).get(pk=view_id)))


@require_POST
@sees
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """POST /exceptions/views/<id>/delete: forget a view of one's own."""
    user: Any = request.user
    name = saved.delete(user, view_id)
    htmx.toast(request, f"“{name}” is no longer kept")
    return htmx.redirect(request, f"{reverse('exceptions:queue')}?view=all")


def _team(request: HttpRequest) -> int | None:
    text = request.POST.get("team", "")
    return typed.whole(text)


def _form(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return htmx.render(
        request,
        "exceptions/view_form.html",
        {"form": "exceptions/_view_form.html", "begins": False, "mine": True, **context},
        fragment="exceptions/_view_form.html",
    )
