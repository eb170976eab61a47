"""Carriers' collections at a site: what waits, calling a van with a preview, and what came of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, timeline, typed
from core.errors import Invalid, Problem, Refusal
from core.tabs import Views, of
from inventory.models import Location
from orders.models import VanCall, VanCallStatus
from orders.services import van_calls
from orders.van_call_filters import VanCallFilter
from orders.views import asked, waves

SEE, BOOK = "orders.view_vancall", "orders.book_vancall"
VIEWS: Views = (
    ("All", {}),
    ("To come", {"status": "BOOKED"}),
    ("Missed", {"status": "MISSED"}),
    ("Collected", {"status": "COLLECTED"}),
)
TONES = {
    "ASKED": "info", "BOOKED": "info", "FAILED": "crit", "CANCEL_WANTED": "hold", "CANCELLED": "hold",
    "COLLECTED": "ok", "MISSED": "crit",
}  # fmt: skip


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest, code: str) -> HttpResponse:
    """GET /w/<site>/collections/: what waits for each carrier, and the collections called for; filters in the
    address."""
    place = asked.place(request, code)
    rows = VanCallFilter(request.GET, VanCall.objects.for_user(request.user).filter(location=place)).found()
    counted = rows.annotate(waiting=Count("parcels", filter=Q(parcels__released_at__isnull=True)))
    context = {
        "place": place,
        "site": code,
        "tabs": waves.tabs(place, "collect") if place.kind != "STORE" else [],
        "waiting": van_calls.waiting(place.pk),
        "page": htmx.keyset_page(counted, request, order=("-id",)),
        "views": of(request, VIEWS),
        "narrowed": any(request.GET.get(name) for name in VanCallFilter.base_filters),
        "tones": TONES,
        "may": request.user.has_perm(BOOK),
        **_window(place),
    }
    return htmx.render(request, "orders/van_calls.html", context, fragment="orders/_van_calls.html")


@require_POST
@permission_required(BOOK, raise_exception=True)
def preview(request: HttpRequest, code: str) -> HttpResponse:
    """POST /w/<site>/collections/preview: what the van would fetch and whose promise hangs on it. Changes nothing."""
    place = asked.place(request, code)
    context: dict[str, Any] = {"place": place, "site": code, "problems": [], "seen": None, "key": uuid4().hex}
    try:
        wanted = _wanted(request, place)
        context |= wanted | {"seen": van_calls.preview(place.pk, **wanted)}
    except Invalid as invalid:
        context["problems"] = [problem.message for problem in invalid.problems]
    except Refusal as refusal:
        context["problems"] = [refusal.message]
    context["confirmation"] = typed.words(request, "confirmation", 120)
    return htmx.part(request, "orders/_van_call_preview.html", context)


@require_POST
@permission_required(BOOK, raise_exception=True)
def book(request: HttpRequest, code: str) -> HttpResponse:
    """POST /w/<site>/collections/book: call the van for everything that waits for it."""
    place = asked.place(request, code)
    key = typed.words(request, "key", 64)
    if not key:
        raise Invalid([Problem("key", "missing", "Look at what would be fetched first, then book it.")], status=422)
    call = van_calls.book(
        place.pk, **_wanted(request, place), key=key, confirmation=typed.words(request, "confirmation", 120),
        actor=actors.person(request.user),
    )  # fmt: skip
    htmx.toast(request, f"{call.carrier} is called")
    return htmx.redirect(request, reverse("orders:van_call", args=[call.pk]))


@require_safe
@permission_required(SEE, raise_exception=True)
def call(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /collections/<id>: its parcels, what the carrier said, and what may be done."""
    found = _find(request, pk)
    return htmx.render(request, "orders/van_call.html", _context(request, found), fragment="orders/_van_call.html")


@require_POST
@permission_required(BOOK, raise_exception=True)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """POST /collections/<id>/<verb>: it came, it did not, or it is called off."""
    found, actor, version = _find(request, pk), actors.person(request.user), typed.version(request)
    try:
        if verb == "came":
            van_calls.came(found.pk, left=_left(request), version=version, actor=actor)
            said = "Fetched. What it took whole is sent"
        elif verb == "missed":
            van_calls.missed(found.pk, reason=typed.words(request, "reason", 300), version=version, actor=actor)
            said = "Noted. Its customers are promised anew"
        elif verb == "cancel":
            van_calls.cancel(found.pk, reason=typed.words(request, "reason", 300), version=version, actor=actor)
            said = "Called off"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, pk))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_van_call.html", context=fresh)
    htmx.toast(request, said)
    return htmx.redirect(request, reverse("orders:van_call", args=[pk]))


def _find(request: HttpRequest, pk: int) -> VanCall:
    rows = VanCall.objects.for_user(request.user).select_related("location__site")
    found: VanCall = get_object_or_404(rows, pk=pk)
    return found


def _context(request: HttpRequest, found: VanCall) -> dict[str, Any]:
    parcels = found.parcels.select_related("package__fulfilment__order").order_by("pk")
    may = request.user.has_perm(BOOK)
    return {
        "call": found,
        "place": found.location,
        "site": found.location.site.code if found.location.site else "",
        "parcels": list(parcels[: van_calls.MOST]),
        "waiting": sum(1 for each in parcels if each.released_at is None),
        "tone": TONES[found.status],
        "begun": found.since <= timezone.now(),
        "may_answer": may and found.status == VanCallStatus.BOOKED,
        "may_cancel": may and found.status in {VanCallStatus.ASKED, VanCallStatus.BOOKED},
        "events": timeline.of(found.subject, 20),
        "words": timeline.words,
    }


def _window(place: Location) -> dict[str, str]:
    """The next two hours of the site's afternoon, to begin with."""
    now = timezone.now().astimezone(ZoneInfo(place.time_zone or "UTC"))
    day = now.date() if now.hour < 15 else now.date() + timedelta(days=1)
    return {"day": day.isoformat(), "from": "15:00", "to": "17:00"}


def _wanted(request: HttpRequest, place: Location) -> dict[str, Any]:
    """Carrier, account and time, as the site's clock has it. Invalid (422) names what can't be read."""
    carrier, _, connection = typed.words(request, "who", 130).partition("|")
    day = _read(request, "day", date.fromisoformat, "Name the day as 2026-01-31.")
    since = _moment(place, day, request, "from")
    until = _moment(place, day, request, "to")
    return {"carrier": carrier[:60], "connection": connection[:60], "since": since, "until": until}


def _moment(place: Location, day: date, request: HttpRequest, name: str) -> datetime:
    at: time = _read(request, name, time.fromisoformat, "Name the time as 15:00.")
    zone = ZoneInfo(place.time_zone or "UTC")
    local = datetime.combine(day, at.replace(tzinfo=None), zone)
    if local.astimezone(ZoneInfo("UTC")).astimezone(zone) != local:
        raise Invalid([Problem(name, "no_such_time", f"{at:%H:%M} doesn't exist there on that day.")], status=422)
    return local


def _read(request: HttpRequest, name: str, how: Any, words: str) -> Any:
    try:
        return how(typed.words(request, name, 10))
    except ValueError:
        raise Invalid([Problem(name, "unreadable", words)], status=422) from None


def _left(request: HttpRequest) -> set[int]:
    sent = request.POST.getlist("left")[: van_calls.MOST]
    if strange := [text for text in sent if not (text.isascii() and text.isdigit() and len(text) < 15)]:
        raise Invalid([Problem("left", "unknown", f"{strange[0][:30]} is no parcel.")], status=422)
    return {int(text) for text in sent}
