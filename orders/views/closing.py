"""A site that closes for the day, said by its own people: what that does, before it is done."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Problem
from inventory.models import Location
from orders.services import closures
from orders.views import asked

PERMISSION = "orders.cancel_fulfilment"
REASONS = ("No staff", "Delivery or stocktake", "Weather", "Damage to the shop", "Something else")
OUTCOMES = {
    closures.MOVES: "Another place takes it",
    closures.STAYS: "Stays here, promised later",
    closures.BEGUN: "Begun: stays as it is",
    closures.COLLECTED: "Collected here, promised later",
}


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/close?opens=<day>: what closing until then does to the work that is here. Changes nothing."""
    place = asked.place(request, code)
    opens = _opens(request.GET.get("opens", ""), place)
    seen = closures.preview(place.pk, until=_morning(opens, place), actor=actors.person(request.user))
    return htmx.render(request, "orders/closing.html", _context(place, opens) | {"seen": seen})


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def close(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/close/now: no new work until that morning; what nobody has begun goes elsewhere where it can."""
    place = asked.place(request, code)
    opens = _opens(request.POST.get("opens", ""), place)
    done = closures.close_for_day(
        place.pk, _morning(opens, place), typed.words(request, "reason", 100), actors.person(request.user)
    )
    stay = f", {done.stayed} promised later" if done.stayed else ""
    more = f", {done.more} follow" if done.more else ""
    htmx.toast(request, f"Closed. {done.moved} moved to other places{stay}{more}")
    return htmx.redirect(request, reverse("orders:site", args=[code]))


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def reopen(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/reopen: it takes work again, sooner than was said."""
    place = asked.place(request, code)
    closures.reopen(place.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{place.name} takes work again")
    return htmx.redirect(request, reverse("orders:site", args=[code]))


def _context(place: Location, opens: date) -> dict[str, Any]:
    return {
        "place": place,
        "opens": opens.isoformat(),
        "least": (_today(place) + timedelta(days=1)).isoformat(),
        "most": (_today(place) + closures.AT_MOST - timedelta(days=1)).isoformat(),
        "reasons": REASONS,
        "outcomes": OUTCOMES,
    }


def _opens(text: str, place: Location) -> date:
    """The day it opens again; tomorrow unless another is named."""
    if not text:
        return _today(place) + timedelta(days=1)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Invalid([Problem("opens", "date", "Name the day it opens again.")], status=422) from None


def _today(place: Location) -> date:
    return timezone.now().astimezone(ZoneInfo(place.time_zone)).date()


def _morning(day: date, place: Location) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(place.time_zone)).astimezone(UTC)
