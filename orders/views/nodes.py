"""What sourcing knows of each node: what is stated, what was measured, what waits there."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem
from inventory.models import Location
from orders import carriage, due
from orders.models import NodeTerms
from orders.services import nodework, profiles

SEE, CHANGE = "orders.view_nodeterms", "orders.change_nodeterms"
_MONEY, _WHOLE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,4})?"), re.compile(r"[0-9]{1,4}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")
_OPTIONAL = {"parcel", "parcel_abroad", "handling"}


@require_safe
@permission_required(SEE, raise_exception=True)
def node_list(request: HttpRequest) -> HttpResponse:
    """GET /ops/nodes/: capacity stated and measured, what waits, what is refused, what a parcel costs."""
    rows = Location.objects.for_user(request.user).select_related("terms", "measure")
    page = htmx.keyset_page(rows, request, order=("code",))
    known, now = profiles.everyone(), timezone.now()
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "nodes": [{"place": place, "profile": known.get(place.pk), **_measured(place, now)} for place in page.rows],
    }
    return htmx.render(request, "orders/nodes.html", context, fragment="orders/_nodes.html")


def _measured(place: Location, now: datetime) -> dict[str, Any]:
    measure = getattr(place, "measure", None)
    week = profiles.week(measure, zone=place.time_zone, stated=place.pick_capacity_hour)
    enough = measure is not None and measure.offered >= profiles.ENOUGH_OFFERED
    return {
        "terms": getattr(place, "terms", None),
        "capacity": week.known(now),
        "refused": measure.refused / measure.offered if measure is not None and enough else None,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def node(request: HttpRequest, code: str) -> HttpResponse:
    """GET, POST /ops/nodes/<code>: its costs and carriers' hours; 422 with what is wrong, 409 when stale."""
    place = get_object_or_404(Location.objects.for_user(request.user).select_related("measure"), code=code)
    terms = NodeTerms.objects.filter(location=place).first()
    shown = terms or NodeTerms()
    values: dict[str, Any] = {name: _shown(getattr(shown, name)) for name in nodework.FIELDS}
    problems: dict[str, str] = {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip() for name in nodework.FIELDS}
        sent = request.POST.get("v", "0")
        try:
            nodework.state(
                place.pk, _read(values), version=int(sent) if _WHOLE.fullmatch(sent) else 0,
                actor=actors.person(request.user),
            )  # fmt: skip
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            htmx.toast(request, f"{place.name}: saved")
            return htmx.redirect(request, reverse("orders:nodes"))
    context = {"place": place, "values": values, "problems": problems, **_throughput(place),
               "version": request.POST.get("v") or (terms.version if terms else 0)}  # fmt: skip
    status = 422 if problems else 200
    return htmx.render(request, "orders/node.html", context, fragment="orders/_node_form.html", status=status)


def _throughput(place: Location) -> dict[str, Any]:
    """What it can pick now and why, what waits, and for each hour of its day what it can pick then, today."""
    now = timezone.now()
    measure = getattr(place, "measure", None)
    week = profiles.week(measure, zone=place.time_zone, stated=place.pick_capacity_hour)
    own = profiles.everyone(now).get(place.pk)
    midnight = now.astimezone(carriage.time_zone(place.time_zone)).replace(minute=0, second=0, microsecond=0, hour=0)
    day = [midnight + timedelta(hours=n) for n in range(24)]
    return {
        "capacity": week.known(now),
        "waiting": own.waiting if own else 0,
        "measured_at": measure.measured_at if measure else None,
        "day": [(f"{at:%H:%M}", known) for at in day if (known := week.known(at)).weeks],
    }


def _shown(value: Any) -> str:
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return "" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _read(values: dict[str, str]) -> NodeTerms:
    """The form as terms; Invalid names what can't be read."""
    problems: list[Problem] = []
    made: dict[str, Any] = {"currency": values["currency"]}
    for name in nodework.FIELDS[1:]:
        text = values[name]
        if name == "cut_off":
            ok = bool(_TIME.fullmatch(text)) and text < "24:00" and text[3:] < "60"
            made[name] = time.fromisoformat(text) if ok else due.CUT_OFF
            problems += [] if ok else [Problem(name, "time", "A time such as 16:00.")]
        elif not text and name in _OPTIONAL:
            made[name] = None
        elif name in {"days", "days_abroad"}:
            made[name] = int(text) if _WHOLE.fullmatch(text) else 0
            problems += [] if _WHOLE.fullmatch(text) else [Problem(name, "number", "A whole number of days.")]
        else:
            made[name] = Decimal(text) if _MONEY.fullmatch(text) else Decimal(0)
            problems += [] if _MONEY.fullmatch(text) else [Problem(name, "number", "An amount such as 4.20.")]
    if problems:
        raise Invalid(problems, status=422)
    return NodeTerms(**made)
