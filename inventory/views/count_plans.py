"""Cycle counting plans: what each place counts, how often, and what that means a day."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core import htmx, typed
from core.errors import Invalid, Refusal
from inventory.models import CountPlan, Location
from inventory.services import paces, plans

NUMBERS = ("a_share", "b_share", "a_days", "b_days", "c_days", "lines_per_count", "measured_over")
MOST = 32_000


@require_safe
@permission_required("inventory.view_countplan", raise_exception=True)
def plans_list(request: HttpRequest) -> HttpResponse:
    """GET /stock/counts/plans/: every place of the person's with its plan."""
    places = Location.objects.for_user(request.user).select_related("count_plan", "site").exclude(status="CLOSED")
    page = htmx.keyset_page(places, request, order=("code",))
    context = {"page": page, "total": htmx.capped_count(places)}
    return htmx.render(request, "inventory/count_plans.html", context, fragment="inventory/_count_plans.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("inventory.view_countplan", raise_exception=True)
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """GET, POST /stock/counts/plans/<place>: its figures, what they mean, and changing them (422 where they clash)."""
    place = get_object_or_404(Location.objects.for_user(request.user), code=code)
    found = CountPlan.objects.filter(location=place).first() or CountPlan(location=place, active=False)
    problems: dict[str, str] = {}
    values: dict[str, Any] = {name: getattr(found, name) for name in NUMBERS} | {"active": found.active}
    if request.method == "POST":
        if not request.user.has_perm("inventory.change_countplan"):
            raise Refusal("not_allowed", "Your role can't change plans.", status=403)
        values = {name: request.POST.get(name, "") for name in NUMBERS} | {"active": bool(request.POST.get("active"))}
        try:
            plans.change(plans.ensure(place.pk).pk, active=values["active"], **_numbers(request))
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            paces.measure(place.pk)
            htmx.toast(request, f"The plan of {place.name} is changed")
            return htmx.redirect(request, reverse("inventory:count_plan", args=[code]))
    context = {
        "place": place,
        "plan": found,
        "values": values,
        "problems": problems,
        "outlook": plans.outlook(found),
        "may": request.user.has_perm("inventory.change_countplan"),
    }
    return htmx.render(
        request, "inventory/count_plan.html", context, fragment="inventory/_count_plan.html",
        status=422 if problems else 200,
    )  # fmt: skip


def _numbers(request: HttpRequest) -> dict[str, int]:
    found, problems = {}, []
    for name in NUMBERS:
        try:
            found[name] = min(typed.count(request, name, 1), MOST)
        except Invalid as invalid:
            problems += invalid.problems
    if problems:
        raise Invalid(problems, status=422)
    return found
