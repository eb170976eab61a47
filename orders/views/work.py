"""Picking and packing on a handheld: one fulfilment order at a time, scan by scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, screens, typed
from core.errors import Invalid, Problem, Refusal
from inventory.models import Location
from orders.models import FulfilmentOrder, FulfilmentStatus, LabelStatus, OrderLine, ParcelLabel
from orders.models.fulfilment import ACTIVE
from orders.services import fulfilment, labels, short_reasons
from orders.services.packing import Parcel
from orders.views import shelf

# What a store says when it gives work back; a note may follow.
DECLINES = ("Not on the shelf", "Too busy", "Damaged or on display only", "Closing", "Something else")
CARRIERS = ("Royal Mail", "DPD", "Evri", "PostNL", "DHL")
PERMISSION = "orders.view_fulfilmentorder"


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def sites(request: HttpRequest) -> HttpResponse:
    """GET /sites/: the person's sites with work, the one most behind first; straight to it when there is only one."""
    places = Location.objects.for_user(request.user).filter(site__isnull=False)
    chosen = screens.current_site(request)
    if chosen is not None:
        places = places.filter(site_id=chosen)
    open_work = Q(fulfilments__status__in=ACTIVE)
    now = timezone.now()
    rows = list(
        places.annotate(
            waiting=Count("fulfilments", filter=open_work),
            late=Count("fulfilments", filter=open_work & Q(fulfilments__due_at__lt=now)),
            next_due=Min("fulfilments__due_at", filter=open_work),
        )
        .select_related("site")
        .order_by("-late", "-waiting", "name")
    )
    if len(rows) == 1:
        return htmx.redirect(request, reverse("orders:site", args=[rows[0].site.code]))
    return htmx.render(request, "orders/sites.html", {"rows": rows})


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def pick(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /s/<site>/pick/<number>: the next thing to do for one fulfilment order."""
    job = _find(request, code, number)
    return htmx.render(request, "orders/pick.html", _context(request, job), fragment="orders/_pick.html")


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def fulfilment_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /fulfilments/<number>: to its site's screen, or to its order where the place has no site."""
    rows = FulfilmentOrder.objects.for_user(request.user).select_related("location__site", "order")
    job = get_object_or_404(rows, number=number)
    if job.location.site is None:
        return htmx.redirect(request, reverse("orders:detail", args=[job.order.number]))
    return htmx.redirect(request, reverse("orders:pick", args=[job.location.site.code, job.number]))


@require_POST
@permission_required("orders.work_fulfilment", raise_exception=True)
def act(request: HttpRequest, code: str, number: str, verb: str) -> HttpResponse:
    """POST /s/<site>/pick/<number>/<verb>: accept, start, short, pack, label, ready, ship or decline.

    The fresh screen, or the reason why not (409 with what stands now; what was typed stays).
    """
    job = _find(request, code, number)
    if verb not in VERBS:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    permission, run = VERBS[verb]
    if not request.user.has_perm(permission):
        raise Refusal("not_allowed", "Your role can't do this step.", status=403)
    try:
        said = run(request, job, {"version": typed.version(request), "actor": actors.person(request.user)})
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, code, number))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_pick.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:pick", args=[code, number]))
    return _answer(request, job, said=said)


# --- The steps


def _accept(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    fulfilment.accept(job.pk, **about)
    return "Accepted"


def _start(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    fulfilment.start_pick(job.pk, **about)
    return "Scan the first item"


def _short(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    units = typed.count(request, "quantity", 1)
    fulfilment.short_pick(
        job.pk,
        line_id=typed.count(request, "line", 1),
        quantity=units,
        reason=request.POST.get("reason", ""),
        part_id=typed.count(request, "part", 1) if request.POST.get("part") else None,
        codes=request.POST.get("codes", "").replace("\0", "").replace(",", " ").split()[:500],
        **about,
    )
    return f"{units} reported short. Another place is asked"


def _pack(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    parcels, grams = typed.count(request, "parcels", 1), request.POST.get("weight", "").strip()
    weight = typed.count(request, "weight", 1) if grams else None
    fulfilment.pack(job.pk, parcels=[Parcel(weight)] + [Parcel()] * (min(parcels, 101) - 1), **about)
    return "Packed"


def _label(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    made = labels.buy(job.pk, **about)
    return "The labels are ordered" if any(label.status == LabelStatus.WANTED for label in made) else "Print the labels"


def _ship(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    fulfilment.ship(
        job.pk,
        carrier=request.POST.get("carrier", "").strip(),
        tracking_number=request.POST.get("tracking", "").strip(),
        **about,
    )
    return "Shipped. The channel and the books hear of it"


def _ready(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    shelf = typed.words(request, "shelf", 20)
    fulfilment.ready(job.pk, shelf=shelf, **about)
    return f"On the ready shelf, {shelf.upper()}" if shelf else "On the ready shelf"


def _decline(request: HttpRequest, job: FulfilmentOrder, about: dict[str, Any]) -> str:
    reason, note = typed.words(request, "reason", 60), typed.words(request, "note")
    if reason not in DECLINES:
        raise Invalid([Problem("reason", "choice", "Say why.")], status=422)
    fulfilment.reject(job.pk, reason=f"{reason}: {note}" if note else reason, **about)
    return "Declined. Another place is asked"


WORK, WITHDRAW = "orders.work_fulfilment", "orders.cancel_fulfilment"
Step = Callable[[HttpRequest, FulfilmentOrder, dict[str, Any]], str]
VERBS: dict[str, tuple[str, Step]] = {
    "accept": (WORK, _accept),
    "start": (WORK, _start),
    "short": (WORK, _short),
    "pack": (WORK, _pack),
    "label": (WORK, _label),
    "ship": (WORK, _ship),
    "ready": (WORK, _ready),
    "decline": (WITHDRAW, _decline),
}


# --- What the screen shows


def _find(request: HttpRequest, code: str, number: str) -> FulfilmentOrder:
    rows = FulfilmentOrder.objects.for_user(request.user).select_related("order", "order__channel", "location__site")
    return get_object_or_404(rows, number=number, location__site__code=code)


def _code(job: FulfilmentOrder) -> str:
    """The code of the site whose screen this is; `_find` only finds work of places that have one."""
    return job.location.site.code if job.location.site else ""


def _lacking(job: FulfilmentOrder) -> list[OrderLine]:
    """Lines this work came up short on that no other place has either: something else may be offered for them."""
    lines = OrderLine.objects.filter(order=job.order_id, open__gt=0, fulfilment_lines__fulfilment=job)
    return list(lines.filter(fulfilment_lines__short_picks__isnull=False).distinct().order_by("position")[:20])


def _labels(job: FulfilmentOrder) -> list[ParcelLabel]:
    """The labels of what is packed here, parcel by parcel."""
    if job.status != FulfilmentStatus.PACKED:
        return []
    rows = ParcelLabel.objects.live().filter(package__fulfilment=job).select_related("package", "service")
    return list(rows.order_by("package__sequence"))


def _answer(request: HttpRequest, job: FulfilmentOrder, *, said: str) -> HttpResponse:
    fresh = _find(request, _code(job), job.number)
    return htmx.part(request, "orders/_pick.html", _context(request, fresh) | {"said": said})


def _context(request: HttpRequest, job: FulfilmentOrder) -> dict[str, Any]:
    rows = shelf.rows(job)
    left = [row for row in rows if row.picked < row.quantity]
    skipped = request.GET.get("skip", "")
    current = next((row for row in left if row.key != skipped), left[0] if left else None)
    picking = job.status in {FulfilmentStatus.OPEN, FulfilmentStatus.ACCEPTED, FulfilmentStatus.PICKING}
    actions = {choice.code for choice in fulfilment.supported_actions(job, request.user)}
    return {
        "job": job,
        "order": job.order,
        "place": job.location,
        "lines": rows,
        "current": current,
        "position": rows.index(current) + 1 if current else len(rows),
        "upcoming": [row for row in left if row is not current],
        "found": sum(row.picked for row in rows),
        "wanted": sum(row.quantity for row in rows),
        "actions": actions,
        "reasons": short_reasons.every() if job.status == FulfilmentStatus.PICKING else [],
        "declines": DECLINES,
        "labels": _labels(job),
        "lacking": _lacking(job) if request.user.has_perm(WORK) else [],
        "carriers": CARRIERS,
        "shipment": getattr(job, "shipment", None),
        "codes": shelf.codes(left) if picking else {},
        "scan_url": reverse("orders:scans", args=[_code(job)]) if {"pick", "start_pick"} & actions else "",
        "scan_kind": "pick",
        "scan_target": job.number,
        "said": "",
    }
