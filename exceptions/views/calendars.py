"""Calendars: the hours sites keep, edited with a look at the weeks to come and at the clocks that would move."""

from __future__ import annotations

import re
from typing import Any

import holidays
from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem, Refusal
from core.models import Calendar, Site
from exceptions.services import calendars, reckoning

SEE, CHANGE = "core.view_calendar", "core.change_calendar"
SITES_SHOWN = 200
_CODE = re.compile(r"[a-z0-9-]{1,40}")


@require_safe
@permission_required(SEE, raise_exception=True)
def listing(request: HttpRequest) -> HttpResponse:
    """GET /ops/calendars/: every calendar and how many sites keep it."""
    rows = Calendar.objects.annotate(kept_by=Count("site")).order_by("name")
    table = [(row, [calendars.written(hours) or "Closed" for hours in row.weekly or [[]] * 7]) for row in rows]
    return htmx.render(request, "exceptions/calendars.html", {"rows": table})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit(request: HttpRequest, code: str = "") -> HttpResponse:
    """GET, POST /ops/calendars/<code> or new: the form; `look` shows what it would do; 422, 409 when refused."""
    calendar = get_object_or_404(Calendar, code=code) if code else None
    values, problems = _values(calendar) if request.method != "POST" else request.POST.dict(), {}
    if request.method == "POST":
        try:
            fields = calendars.read(request.POST)
            if "look" in request.POST:
                return htmx.part(request, "exceptions/_calendar_preview.html", _look(request, calendar, fields))
            made = _save(request, calendar, fields)
        except Invalid as wrong:
            problems = {problem.path: problem.message for problem in wrong.problems}
        except Refusal as refusal:
            return htmx.refuse(request, refusal)
        else:
            htmx.toast(request, "Saved. Clocks of open cases stay until you reckon them afresh.")
            return htmx.redirect(request, reverse("exceptions:calendar", args=[made.code]))
    sites = list(Site.objects.filter(calendar=calendar)[:SITES_SHOWN]) if calendar else []
    others = list(Site.objects.exclude(calendar=calendar)[:SITES_SHOWN]) if calendar else []
    countries = [("", "None"), *((c, c) for c in sorted(holidays.list_supported_countries()))]
    context: dict[str, Any] = {
        "calendar": calendar,
        "values": values,
        "problems": problems,
        "days": calendars.DAYS,
        "sites": sites,
    }
    look = _look(request, calendar, {}) if calendar and not problems else {}
    context |= {"countries": countries, "others": others, **look}
    return htmx.render(request, "exceptions/calendar.html", context, status=422 if problems else 200)


def _values(calendar: Calendar | None) -> dict[str, Any]:
    if calendar is None:
        return {f"day{n}": "09:00-17:30" if n < 5 else "" for n in range(7)}
    weekly = calendar.weekly or [[["00:00", "24:00"]]] * 7
    single = [f"{day} {calendars.written(hours) or 'closed'}" for day, hours in sorted(calendar.exceptions.items())]
    return {
        "name": calendar.name, "country": calendar.country, "region": calendar.region, "days": "\n".join(single),
        **{f"day{n}": calendars.written(hours) for n, hours in enumerate(weekly)},
    }  # fmt: skip


def _save(request: HttpRequest, calendar: Calendar | None, fields: dict[str, Any]) -> Calendar:
    actor = actors.person(request.user)
    if calendar is not None:
        version = request.POST.get("v", "")
        return calendars.save(calendar.code, version=int(version) if version.isdecimal() else 0, actor=actor, **fields)
    code = request.POST.get("code", "")
    if not _CODE.fullmatch(code):
        raise Invalid([Problem("code", "code", "Lower-case letters, digits and hyphens.")], status=422)
    return calendars.create(code, actor=actor, **fields)


def _look(request: HttpRequest, calendar: Calendar | None, fields: dict[str, Any]) -> dict[str, Any]:
    """The four weeks to come by these hours, in the first site's zone, and the open cases whose clocks would move."""
    draft = Calendar(pk=calendar.pk if calendar else None, code=calendar.code if calendar else "")
    for name in ("name", "country", "region", "weekly", "exceptions"):
        setattr(draft, name, fields.get(name, getattr(calendar, name, None)))
    kept_at = Site.objects.filter(calendar=calendar).values_list("time_zone", flat=True) if calendar else ()
    zone = next(iter(kept_at[:1]), "UTC")
    found: dict[str, Any] = {"coming": calendars.coming(draft, zone, timezone.now()), "zone": zone}
    found |= {"preview": None, "shown": 20}
    if calendar is not None and fields:
        by = reckoning.setting(calendar=draft)
        found["preview"] = reckoning.preview(by, user=request.user, cases=reckoning.scope(calendar=calendar.code))
    return found


@require_POST
@permission_required(CHANGE, raise_exception=True)
def give(request: HttpRequest, code: str) -> HttpResponse:
    """POST /ops/calendars/<code>/sites: let one more site keep this calendar."""
    calendar = get_object_or_404(Calendar, code=code)
    site = get_object_or_404(Site, code=request.POST.get("site", ""))
    calendars.give(site.pk, calendar_id=calendar.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{site.name} keeps {calendar.name}.")
    return htmx.redirect(request, reverse("exceptions:calendar", args=[code]))
