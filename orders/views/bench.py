"""The packing bench on screen: a tote or a number opens the work, each unit is scanned into its parcel."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, idempotency, typed
from core.errors import Invalid, Problem, Refusal
from inventory.models import Location, Tracking
from inventory.services.locking import retrying
from orders import cartons
from orders.models import BatchWork, Carton, FulfilmentOrder, FulfilmentStatus, PackCheck, ParcelLabel
from orders.services import bench
from orders.services.bench import Closed
from orders.views import asked, waves

SEE, WORK = "orders.view_fulfilmentorder", "orders.work_fulfilment"


@require_safe
@permission_required(SEE, raise_exception=True)
def lane(request: HttpRequest, code: str) -> HttpResponse:
    """GET /w/<site>/pack/: what is picked and waits for its parcel; ?q= is a code scanned at the bench."""
    place = asked.place(request, code)
    if request.GET.get("q"):
        return _open(request, place, code, request.GET["q"][:100])
    rows = FulfilmentOrder.objects.for_user(request.user).filter(location=place, status=FulfilmentStatus.PICKED)
    page = htmx.keyset_page(rows.select_related("order__channel"), request, order=("due_at", "id"))
    totes = BatchWork.objects.filter(fulfilment__in=[job.pk for job in page.rows]).order_by("pk")
    context = {
        "place": place,
        "site": code,
        "tabs": waves.tabs(place, "pack"),
        "page": page,
        "totes": dict(totes.values_list("fulfilment_id", "tote")),
        "total": htmx.capped_count(rows),
    }
    return htmx.render(request, "orders/bench.html", context, fragment="orders/_bench.html")


def _open(request: HttpRequest, place: Location, code: str, scanned: str) -> HttpResponse:
    try:
        job = bench.find(place.pk, scanned)
    except Refusal as refusal:
        htmx.toast(request, refusal.message)
        return htmx.redirect(request, reverse("orders:bench", args=[code]))
    return htmx.redirect(request, reverse("orders:pack", args=[code, job.number]))


@require_safe
@permission_required(SEE, raise_exception=True)
def work(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /w/<site>/pack/<number>: what goes in, what was seen, how to close the parcels."""
    return htmx.render(
        request, "orders/pack.html", _context(request, _find(request, code, number)), fragment="orders/_pack.html"
    )


@require_POST
@permission_required(WORK, raise_exception=True)
def scan(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """POST /w/<site>/pack/<number>/scan: one unit into the parcel. Its key makes a repeat harmless."""
    job = _find(request, code, number)
    scanned = request.POST.get("code", "").strip()[:100]
    try:
        once(request, f"bench:{job.pk}", scanned, lambda: bench.scan(job.pk, code=scanned, actor=_actor(request)))
    except Refusal as refusal:
        return htmx.part(request, "orders/_refused.html", {"refusal": refusal}, status=refusal.status)
    return _answer(request, job, "Seen")


def once(request: HttpRequest, what: str, scanned: str, run: Any) -> None:
    """Run a scan once for its Idempotency-Key, in one transaction with the key. Invalid where it brings none."""
    key = request.headers.get("Idempotency-Key", "")
    if not idempotency.valid(key):
        raise Invalid([Problem("Idempotency-Key", "missing", "Each scan brings its own key.")])
    print_ = hashlib.sha256(scanned.encode("utf-8", "replace")).digest()

    def work() -> None:
        if idempotency.once(f"person:{request.user.pk}", what, key, print_):
            run()

    retrying(work)


@require_POST
@permission_required(WORK, raise_exception=True)
def act(request: HttpRequest, code: str, number: str, verb: str) -> HttpResponse:
    """POST /w/<site>/pack/<number>/<verb>: another parcel, start over, or close: packed, weighed and labelled."""
    job, actor = _find(request, code, number), _actor(request)
    try:
        if verb == "parcel":
            bench.next_parcel(job.pk, actor=actor)
            said = "The next parcel"
        elif verb == "restart":
            bench.start_over(job.pk, actor=actor)
            said = "Everything out again"
        elif verb == "close":
            anyway = bool(request.POST.get("anyway"))
            _, bought, why = bench.close(
                job.pk, parcels=_closed(request), anyway=anyway, version=typed.version(request), actor=actor
            )
            said = f"Packed. {len(bought)} labels" if bought else f"Packed. {why}"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, code, number)) | {"off": refusal.code == "weight_is_off"}
        return htmx.refuse(request, refusal, fresh="orders/_fresh_pack.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:pack", args=[code, number]))
    return _answer(request, job, said)


def _closed(request: HttpRequest) -> list[Closed]:
    """carton-1, grams-1, carton-2, … as the form sends them."""
    found = []
    for n in range(1, 101):
        if f"carton-{n}" not in request.POST:
            break
        text = request.POST.get(f"grams-{n}", "").strip()
        grams = typed.count(request, f"grams-{n}", 1) if text else None
        found.append(Closed(typed.words(request, f"carton-{n}", 40), grams))
    return found


def _actor(request: HttpRequest) -> actors.Actor:
    return actors.person(request.user)


def _find(request: HttpRequest, code: str, number: str) -> FulfilmentOrder:
    rows = FulfilmentOrder.objects.for_user(request.user).select_related("order__channel", "location__site")
    found: FulfilmentOrder = get_object_or_404(rows, number=number, location__site__code=code)
    return found


def _answer(request: HttpRequest, job: FulfilmentOrder, said: str) -> HttpResponse:
    fresh = FulfilmentOrder.objects.select_related("order__channel", "location__site").get(pk=job.pk)
    return htmx.part(request, "orders/_pack.html", _context(request, fresh) | {"said": said})


def _context(request: HttpRequest, job: FulfilmentOrder) -> dict[str, Any]:
    check = PackCheck.objects.filter(fulfilment=job).first()
    rows = bench.rows(job, check)
    packing = job.status == FulfilmentStatus.PICKED and request.user.has_perm(WORK)
    site = job.location.site.code if job.location.site else ""
    filled = [n for n, parcel in enumerate(check.parcels if check else [], start=1) if parcel["items"]]
    boxes = bench.boxes()
    known = {box.code: box for box in boxes}
    parcels = []
    for n in filled:
        inside = bench.pieces(rows, n)
        box = cartons.suggest(boxes, inside)
        parcels.append({
            "n": n, "box": box.code if box else "", "units": sum(piece.units for piece in inside),
            "expected": cartons.expected_grams(inside, known[box.code].tare_grams if box else 0),
        })  # fmt: skip
    whole = cartons.suggest(boxes, bench.pieces(rows))
    codes = {code: row.item.name for row in rows if row.left > 0 for code in (row.item.gtin, row.item.sku) if code}
    tracked = any(row.item.tracking != Tracking.NONE for row in rows)
    return {
        "job": job,
        "order": job.order,
        "place": job.location,
        "site": site,
        "rows": rows,
        "left": sum(max(0, row.left) for row in rows),
        "seen": sum(row.seen for row in rows),
        "wanted": sum(row.wanted for row in rows),
        "parcels": parcels,
        "carton": next((c.name for c in Carton.objects.in_use() if whole and c.code == whole.code), ""),
        "cartons": [("", "Own carton"), *Carton.objects.in_use().values_list("code", "name")],
        "packing": packing,
        "labels": ParcelLabel.objects.live().filter(package__fulfilment=job).select_related("service", "package"),
        "codes": None if tracked else codes,
        "scan_url": reverse("orders:pack_scan", args=[site, job.number]) if packing else "",
        "off": False,
        "said": "",
    }
