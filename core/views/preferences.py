"""What a person sets for themselves: colours, density, keys, time zone, and the site they are working for."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import available_timezones

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import htmx
from core.models import Site, User

THEMES = {"": "Follow this device", "light": "Light", "dark": "Dark"}
DENSITIES = {"": "Compact", "comfortable": "Comfortable", "touch": "Large, for touch"}
SITES_SHOWN = 200


def _zones() -> list[tuple[str, str]]:
    return [
        (z, z.replace("_", " "))
        for z in sorted(available_timezones())
        if "/" in z and not z.startswith(("Etc/", "SystemV/"))
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """GET and POST /me."""
    problems: dict[str, str] = {}
    values = dict(_me(request).preferences)
    if request.method == "POST":
        values |= {
            "theme": request.POST.get("theme", ""),
            "density": request.POST.get("density", ""),
            "keys": "on" if request.POST.get("keys") else "off",
            "time_zone": request.POST.get("time_zone", ""),
        }
        if values["theme"] not in THEMES:
            problems["theme"] = "Choose one of the themes."
        if values["density"] not in DENSITIES:
            problems["density"] = "Choose one of the densities."
        if values["time_zone"] and values["time_zone"] not in available_timezones():
            problems["time_zone"] = "Choose a time zone from the list."
        if not problems:
            _save(request, values)
            htmx.toast(request, "Preferences saved")
            return htmx.redirect(request, request.path)
    context = {"values": values, "problems": problems, "themes": THEMES, "densities": DENSITIES, "zones": _zones()}
    return htmx.render(request, "core/preferences.html", context, status=422 if problems else 200)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """POST /me/theme: remember the colours the page already shows."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return HttpResponseBadRequest("No such theme.")
    return _remember(request, "theme", chosen)


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """GET /me/sites: the menu of the site switch, loaded when it opens."""
    return htmx.part(request, "core/_sites.html", {"sites": _mine(request)[:SITES_SHOWN]})


@require_POST
def site(request: HttpRequest) -> HttpResponse:
    """POST /me/site: narrow work to one of my sites, or (empty) widen it to all of them."""
    wanted = request.POST.get("site", "")
    chosen = get_object_or_404(_mine(request), code=wanted) if wanted else None
    value = {"id": chosen.pk, "code": chosen.code, "name": chosen.name} if chosen else None
    return _remember(request, "site", value)


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)  # LoginRequiredMiddleware lets nobody else in


def _mine(request: HttpRequest) -> QuerySet[Site]:
    allowed = _me(request).site_ids()
    return Site.objects.all() if allowed is None else Site.objects.filter(pk__in=allowed)


def _save(request: HttpRequest, values: dict[str, Any]) -> None:
    user = _me(request)
    user.preferences = values
    user.save(update_fields=["preferences"])


def _remember(request: HttpRequest, key: str, value: object) -> HttpResponse:
    _save(request, {**_me(request).preferences, key: value})
    if htmx.asked(request) or request.headers.get("X-Quiet"):
        return htmx.finish(HttpResponse(status=204))
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return htmx.redirect(request, back if safe else "/")
