"""Suggested transfers: looked at first, then asked for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core import actors, htmx
from core.errors import Invalid, Problem, Refusal
from inventory.models import Item, Location
from inventory.rebalancing import Goal, Proposal
from inventory.services import rebalancing
from inventory.views import choosing

FIGURES = {"low": 7, "target": 14, "keep": 28, "least": 1}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("inventory.request_transfer", raise_exception=True)
def suggestions(request: HttpRequest) -> HttpResponse:
    """GET /stock/transfers/suggestions/: what would even out days of cover. POST: ask for those that were ticked.

    The figures are worked out again on POST; what isn't suggested any more (409) is shown afresh instead.
    """
    goal = _goal(request.GET)
    place = Location.objects.for_user(request.user).filter(code=request.GET.get("destination", "")).first()
    found = _found(request, goal, place)
    if request.method == "POST":
        try:
            made = rebalancing.take(_chosen(request, found), actor=actors.person(request.user))
        except Refusal as refusal:
            if not htmx.asked(request) or refusal.status not in {409, 422}:
                raise
            context = _context(request, goal, place, found)
            return htmx.refuse(request, refusal, fresh="inventory/_fresh_suggestions.html", context=context)
        many = "transfers are" if len(made) > 1 else "transfer is"
        htmx.toast(request, f"{len(made)} {many} asked for, and {'wait' if len(made) > 1 else 'waits'} for approval")
        return htmx.redirect(request, f"{reverse('inventory:transfers')}?needs=approval")
    context = _context(request, goal, place, found)
    return htmx.render(request, "inventory/suggestions.html", context, fragment="inventory/_suggestions.html")


def _goal(sent: QueryDict) -> Goal:
    figures = {}
    for name, usual in FIGURES.items():
        text = sent.get(name, "") or str(usual)
        if not (text.isascii() and text.isdigit() and len(text) <= 3) or not int(text):
            raise Invalid([Problem(name, "range", "A whole number of days from 1 to 999.")])
        figures[name] = int(text)
    if not figures["low"] <= figures["target"] <= figures["keep"]:
        raise Invalid([Problem("target", "order", "Fill up to more than the alarm, and keep at least that.")])
    return Goal(**figures)


def _found(request: HttpRequest, goal: Goal, place: Location | None) -> list[Proposal]:
    mine: Any = request.user
    own = None
    if mine.site_ids() is not None:
        own = set(Location.objects.for_user(mine).values_list("pk", flat=True))
    return rebalancing.suggest(goal, location_ids=own, destination_id=place.pk if place else None)


def _key(p: Proposal) -> str:
    return f"{p.item_id}-{p.origin_id}-{p.destination_id}-{p.units}"


def _chosen(request: HttpRequest, found: list[Proposal]) -> list[Proposal]:
    known = {_key(p): p for p in found}
    wanted = request.POST.getlist("take")
    if gone := [key for key in wanted if key not in known]:
        words = "Stock moved meanwhile; look at the fresh suggestions."
        raise Refusal("changed_since", words, gone=len(gone))
    return [known[key] for key in dict.fromkeys(wanted)]


def _context(request: HttpRequest, goal: Goal, place: Location | None, found: list[Proposal]) -> dict[str, Any]:
    items = Item.objects.in_bulk({p.item_id for p in found})
    ends = Location.objects.in_bulk({pk for p in found for pk in (p.origin_id, p.destination_id)})
    rows = [
        asdict(p) | {"key": _key(p), "item": items[p.item_id], "from": ends[p.origin_id], "to": ends[p.destination_id]}
        for p in found
    ]
    return {
        "rows": rows,
        "goal": goal,
        "places": choosing.places(request),
        "destination": place.code if place else "",
        "narrowed": place is not None,
    }
