"""Keeping lists under a name, sharing them with a team, and choosing one to begin with."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.http import QueryDict

from core.errors import Invalid, Problem, Refusal
from core.models import User
from exceptions.filters import CaseFilter, grouping_of, order_of
from exceptions.models import Case, SavedView, Status

MOST = 30
DEFAULT = "case_view"  # among a person's preferences: the view their queue begins with
# What an address may hold that belongs to a view; pages of it and the view's own mark don't.
KEPT = (*CaseFilter.base_filters, "sort", "group")


def one_form(query: str, user: User) -> str:
    """A query string in its one form, so that equal lists are equal text. Invalid (400) if it makes no sense."""
    asked = QueryDict(query[:4000])
    kept = QueryDict(mutable=True)
    for name in KEPT:
        if values := sorted({value for value in asked.getlist(name) if value}):
            kept.setlist(name, values)
    CaseFilter(kept, Case.objects.all(), user=user).found()
    order_of(kept.get("sort", ""), resolved=Status.RESOLVED in kept.getlist("status"))
    grouping_of(kept.get("group", ""))
    text = kept.urlencode()
    if len(text) > 2000:
        raise Invalid([Problem("query", "too_long", "This list has too many filters to be kept.")])
    return text


def save(user: User, *, name: str, query: str, team: int | None = None) -> SavedView:
    """Keep a list. Refusal too_many (409); Invalid (422) for a name that is missing or taken."""
    if SavedView.objects.filter(owner=user).count() >= MOST:
        raise Refusal("too_many", f"You can keep {MOST} views. Delete one first.")
    view = SavedView(owner=user, query=one_form(query, user))
    return _write(view, user, name, team)


def change(user: User, view_id: int, *, name: str, team: int | None = None, query: str | None = None) -> SavedView:
    """Rename one's own view, share it with another team or nobody, or let it hold what is shown now."""
    view = own(user, view_id)
    if query is not None:
        view.query = one_form(query, user)
    return _write(view, user, name, team)


def delete(user: User, view_id: int) -> str:
    """Forget one's own view; returns its name. Whoever began with it begins with everything again."""
    view = own(user, view_id)
    view.delete()
    return view.name


def begin_with(user: User, view_id: int | None) -> None:
    """Choose the view one's queue begins with; None is everything open."""
    if view_id is not None and not SavedView.objects.for_user(user).filter(pk=view_id).exists():
        raise Refusal("no_such_view", "There is no such view.", status=404)
    user.preferences = {**user.preferences, DEFAULT: view_id}
    user.save(update_fields=["preferences"])


def own(user: User, view_id: int) -> SavedView:
    view = SavedView.objects.filter(owner=user, pk=view_id).first()
    if view is None:
        raise Refusal("no_such_view", "There is no such view of yours.", status=404)
    return view


def teams(user: User) -> list[tuple[int, str]]:
    """The teams one is in: whom a view can be shared with."""
    return list(user.groups.order_by("name").values_list("pk", "name"))


def _write(view: SavedView, user: User, name: str, team: int | None) -> SavedView:
    view.name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(view.name) <= 60:
        raise Invalid([Problem("name", "length", "Give it a name of up to 60 characters.")])
    view.team = _team(user, team)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise Invalid([Problem("name", "taken", "You have a view of that name.")]) from error
    return view


def _team(user: User, team: int | None) -> Any:
    if team is None:
        return None
    group = Group.objects.filter(pk=team, user=user).first()
    if group is None:
        raise Invalid([Problem("team", "unknown", "Share it with a team you are in.")])
    return group
