"""The systems that tell us what they believe, and what their words mean."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Problem, Refusal
from inventory import skus
from inventory.models import Item, Location, StatusMap, StockSource
from inventory.services import sources as service
from inventory.services import unresolved
from inventory.snapshots import MEANINGS, WORDS

ITEM, PLACE, STATUS = unresolved.KINDS
MEANS = [("", "Choose"), *[(meaning, WORDS[meaning]) for meaning in MEANINGS]]


@require_safe
@permission_required("inventory.view_stocksource", raise_exception=True)
def sources(request: HttpRequest) -> HttpResponse:
    """GET /stock/sources/: every system that has said something."""
    rows = StockSource.objects.for_user(request.user).order_by("code")
    return htmx.render(request, "inventory/sources.html", {"page": htmx.keyset_page(rows, request, order=("code",)),
                                                           "total": htmx.capped_count(rows)})  # fmt: skip


@require_safe
@permission_required("inventory.view_stocksource", raise_exception=True)
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    """GET /stock/sources/<id>: its status map with its versions, and every word nobody has explained yet."""
    found = _find(request, source_id)
    now = service.current_map(found)
    versions = list(StatusMap.objects.filter(source=found).order_by("-version")[:10])
    context = {
        "source": found,
        "map": now,
        "versions": versions,
        "statuses": sorted(now.statuses.items()),
        "means": MEANS,
        "words": WORDS,
        "unknown_items": unresolved.words(ITEM, found.pk),
        "unknown_places": unresolved.words(PLACE, found.pk),
        "unknown_statuses": unresolved.words(STATUS, found.pk),
        "locations": [("", "Choose"), *Location.objects.for_user(request.user).values_list("code", "name")],
        "may_map": request.user.has_perm("inventory.map_stocksource"),
    }
    return htmx.render(request, "inventory/source.html", context)


@require_POST
@permission_required("inventory.map_stocksource", raise_exception=True)
def explain(request: HttpRequest, source_id: int, what: str) -> HttpResponse:
    """POST /stock/sources/<id>/(item|place|status|tolerance): say what a word means; lines that waited are compared."""
    found = _find(request, source_id)
    act = {"item": _item, "place": _place, "status": _status, "tolerance": _tolerance}.get(what)
    if act is None:
        raise Http404
    try:
        htmx.toast(request, act(request, found))
    except Refusal as refusal:
        return htmx.refuse(request, refusal)
    return htmx.redirect(request, reverse("inventory:source", args=[found.pk]))


def _item(request: HttpRequest, found: StockSource) -> str:
    sku = skus.normalise(request.POST.get("sku", "").replace("\0", ""))
    item = Item.objects.for_user(request.user).filter(sku=sku).first()
    if item is None:
        raise Invalid([Problem("sku", "unknown", "There is no item with this SKU.")], status=422)
    service.name_item(found.pk, request.POST.get("code", ""), item.pk, actor=actors.person(request.user))
    return f"It means {item.sku}. Lines that waited for it are compared now."


def _place(request: HttpRequest, found: StockSource) -> str:
    code = request.POST.get("location", "").replace("\0", "")
    location = Location.objects.for_user(request.user).filter(code=code).first()
    if location is None:
        raise Invalid([Problem("location", "unknown", "Choose one of our places.")], status=422)
    service.name_location(found.pk, request.POST.get("code", ""), location.pk, actor=actors.person(request.user))
    return f"It means {location.name}. Lines that waited for it are compared now."


def _status(request: HttpRequest, found: StockSource) -> str:
    word, meaning = request.POST.get("word", "").replace("\0", "")[:60], request.POST.get("meaning", "")
    if not meaning and request.POST.get("forget") != "1":
        raise Invalid([Problem("meaning", "required", "Choose what it means.")], status=422)
    actor = actors.person(request.user)
    made = service.map_statuses(found.pk, {word: meaning}, version=typed.seen(request), actor=actor)
    return f"Version {made.version} of the map is in force."


def _tolerance(request: HttpRequest, found: StockSource) -> str:
    units, percent = request.POST.get("tolerance_units", ""), request.POST.get("tolerance_percent", "")
    try:
        exact = Decimal(percent) if len(percent) < 10 else Decimal("NaN")
    except InvalidOperation:
        exact = Decimal("NaN")
    whole = int(units) if units.isascii() and units.isdigit() and len(units) < 9 else -1
    service.tolerate(found.pk, units=whole, percent=exact, actor=actors.person(request.user))
    return "Differences are measured by this within a minute."


def _find(request: HttpRequest, source_id: int) -> StockSource:
    found: StockSource = get_object_or_404(StockSource.objects.for_user(request.user), pk=source_id)
    return found
