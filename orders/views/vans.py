"""Loading vans and putting goods back: the last step of the floor, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from inventory.models import Location
from orders.models import CarrierService, FulfilmentStatus, Manifest, ParcelLabel, PutBack
from orders.services import manifests, putting_back
from orders.views import asked, waves
from orders.views.bench import once

SEE, WORK, CLOSE = "orders.view_manifest", "orders.work_fulfilment", "orders.close_manifest"
PUT_BACK = "orders.view_putback"


@require_safe
@permission_required(SEE, raise_exception=True)
def vans(request: HttpRequest, code: str) -> HttpResponse:
    """GET /w/<site>/ship/: per carrier what waits to be loaded, the vans being loaded, and those that left."""
    place = asked.place(request, code)
    labels = ParcelLabel.objects.live().filter(
        package__fulfilment__location=place, package__fulfilment__status=FulfilmentStatus.PACKED,
        package__loaded__isnull=True, status="BOUGHT",
    )  # fmt: skip
    waiting = dict(labels.values_list("service__carrier").annotate(n=Count("pk")).order_by("service__carrier"))
    rows = Manifest.objects.for_user(request.user).filter(location=place).annotate(loaded=Count("parcels"))
    context = {
        "place": place,
        "site": code,
        "tabs": waves.tabs(place, "ship"),
        "waiting": waiting,
        "page": htmx.keyset_page(rows, request, order=("-id",)),
        "carriers": sorted({*waiting, *CarrierService.objects.in_use().values_list("carrier", flat=True)}),
        "may": request.user.has_perm(WORK),
    }
    return htmx.render(request, "orders/vans.html", context, fragment="orders/_vans.html")


@require_POST
@permission_required(WORK, raise_exception=True)
def start(request: HttpRequest, code: str) -> HttpResponse:
    """POST /w/<site>/ship/: begin loading a carrier's van, or go on with the one that is being loaded."""
    place = asked.place(request, code)
    van = manifests.open_(place.pk, carrier=typed.words(request, "carrier", 60), actor=actors.person(request.user))
    return htmx.redirect(request, reverse("orders:van", args=[code, van.pk]))


@require_safe
@permission_required(SEE, raise_exception=True)
def van(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """GET /w/<site>/ship/<id>: what is aboard, what still waits, what closing it would do."""
    return htmx.render(
        request, "orders/van.html", _context(request, _find(request, code, pk)), fragment="orders/_van.html"
    )


@require_POST
@permission_required(WORK, raise_exception=True)
def scan(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """POST /w/<site>/ship/<id>/scan: one parcel aboard."""
    found, scanned = _find(request, code, pk), request.POST.get("code", "").strip()[:120]
    actor = actors.person(request.user)
    try:
        once(request, f"van:{found.pk}", scanned, lambda: manifests.load(found.pk, code=scanned, actor=actor))
    except Refusal as refusal:
        return htmx.part(request, "orders/_refused.html", {"refusal": refusal}, status=refusal.status)
    return _answer(request, found, "Aboard")


@require_POST
@permission_required(SEE, raise_exception=True)
def act(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """POST /w/<site>/ship/<id>/<verb>: take a parcel off, or hand the van over."""
    found, actor = _find(request, code, pk), actors.person(request.user)
    if not request.user.has_perm(CLOSE if verb == "close" else WORK):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    try:
        if verb == "close":
            manifests.close(found.pk, version=typed.version(request), actor=actor)
            said = "The van has left. Channels and books hear of each parcel"
        elif verb == "unload":
            manifests.unload(found.pk, package_id=typed.count(request, "package", 1), actor=actor)
            said = "Off the van"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, code, pk))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_van.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:van", args=[code, pk]))
    return _answer(request, found, said)


def _find(request: HttpRequest, code: str, pk: int) -> Manifest:
    rows = Manifest.objects.for_user(request.user).select_related("location__site")
    found: Manifest = get_object_or_404(rows, pk=pk, location__site__code=code)
    return found


def _answer(request: HttpRequest, found: Manifest, said: str) -> HttpResponse:
    found.refresh_from_db()
    return htmx.part(request, "orders/_van.html", _context(request, found) | {"said": said})


def _context(request: HttpRequest, found: Manifest) -> dict[str, Any]:
    aboard = found.parcels.select_related("package__fulfilment__order").order_by("-pk")
    site = found.location.site.code if found.location.site else ""
    loading = found.status == "OPEN"
    shipped = Q(package__fulfilment__status__in=("SHIPPED", "DELIVERED"))
    may = loading and request.user.has_perm(WORK)
    return {
        "van": found,
        "place": found.location,
        "site": site,
        "aboard": list(aboard[:200]),
        "loaded": aboard.count(),
        "shipped": aboard.filter(shipped).count(),
        "closing": manifests.preview(found) if loading else None,
        "may": may,
        "may_close": loading and request.user.has_perm(CLOSE),
        "scan_url": reverse("orders:van_scan", args=[site, found.pk]) if may else "",
        "said": "",
    }


@require_safe
@permission_required(PUT_BACK, raise_exception=True)
def put_backs(request: HttpRequest, code: str) -> HttpResponse:
    """GET /w/<site>/moves/: what was picked for nothing, the longest waiting first."""
    place = asked.place(request, code)
    return htmx.render(request, "orders/put_backs.html", _put_backs(request, place), fragment="orders/_put_backs.html")


@require_POST
@permission_required(WORK, raise_exception=True)
def scan_back(request: HttpRequest, code: str) -> HttpResponse:
    """POST /w/<site>/moves/scan: one unit is on its shelf again."""
    place, scanned = asked.place(request, code), request.POST.get("code", "").strip()[:100]
    actor = actors.person(request.user)
    told: list[PutBack] = []
    try:
        once(
            request, f"put_back:{place.pk}", scanned,
            lambda: told.append(putting_back.scan(place.pk, code=scanned, actor=actor)),
        )  # fmt: skip
    except Refusal as refusal:
        return htmx.part(request, "orders/_refused.html", {"refusal": refusal}, status=refusal.status)
    said = f"{told[-1].item.name}: {told[-1].done} of {told[-1].quantity} back" if told else "Counted before"
    return htmx.part(request, "orders/_put_backs.html", _put_backs(request, place) | {"said": said})


def _put_backs(request: HttpRequest, place: Location) -> dict[str, Any]:
    rows = PutBack.objects.for_user(request.user).waiting().filter(location=place)
    page = htmx.keyset_page(rows.select_related("item", "fulfilment__order"), request, order=("id",))
    site = place.site.code if place.site else ""
    return {
        "place": place,
        "site": site,
        "tabs": waves.tabs(place, "back"),
        "page": page,
        "total": htmx.capped_count(rows),
        "codes": None,
        "scan_url": reverse("orders:scan_back", args=[site]) if request.user.has_perm(WORK) else "",
        "said": "",
    }
