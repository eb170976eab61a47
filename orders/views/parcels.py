"""The parcels of one fulfilment order: their labels, and where they are."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from orders import labels as makers
from orders.models import CarrierService, FulfilmentOrder, FulfilmentStatus, LabelStatus, Order, Package, ParcelLabel
from orders.models.label import LIVE
from orders.services import choosing, labels, sheets, tracking

SEE, WORK = "orders.view_fulfilmentorder", "orders.work_fulfilment"


@require_safe
@permission_required(SEE, raise_exception=True)
def parcels(request: HttpRequest, number: str) -> HttpResponse:
    """GET /fulfilments/<number>/parcels."""
    context = _context(request, _job(request, number))
    return htmx.render(request, "orders/parcels.html", context, fragment="orders/_parcels.html")


@require_POST
@permission_required(WORK, raise_exception=True)
def order_labels(request: HttpRequest, number: str) -> HttpResponse:
    """POST /fulfilments/<number>/labels: one label for each parcel that has none, from the service chosen."""
    job = _job(request, number)
    made = labels.buy(job.pk, service=request.POST.get("service", "").strip()[:60], actor=actors.person(request.user))
    waiting = sum(label.status == LabelStatus.WANTED for label in made)
    htmx.toast(request, "The labels are ordered" if waiting else "The labels are ready")
    return _fresh(request, job)


@require_POST
@permission_required(WORK, raise_exception=True)
def act(request: HttpRequest, label_id: int, verb: str) -> HttpResponse:
    """POST /labels/<id>/<verb>: give it back, or try it again."""
    label = _label(request, label_id)
    actor = actors.person(request.user)
    if verb == "void":
        reason = request.POST.get("reason", "").strip()[:200] or "Given back by a person"
        labels.void(label.pk, reason=reason, version=typed.version(request), actor=actor)
        htmx.toast(request, "The label is given back")
    elif verb == "retry":
        labels.retry(label.pk, service=request.POST.get("service", "").strip()[:60], actor=actor)
        htmx.toast(request, "The label is ordered again")
    else:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    return _fresh(request, label.package.fulfilment)


@require_safe
@permission_required(SEE, raise_exception=True)
def label(request: HttpRequest, label_id: int) -> HttpResponse:
    """GET /labels/<id>: the label on A6, where it is made here; the carrier's own file otherwise."""
    found = _ready(request, label_id)
    if found.content:
        return _file(found, bytes(found.content), found.content_type, inline=True)
    return htmx.render(request, "orders/label.html", {"label": found, "sheet": sheets.sheet(found)})


@require_safe
@permission_required(SEE, raise_exception=True)
def zpl(request: HttpRequest, label_id: int) -> HttpResponse:
    """GET /labels/<id>/zpl: the same for a thermal printer."""
    found = _ready(request, label_id)
    if found.content:
        if "zpl" not in found.content_type:
            raise Refusal("no_zpl", f"{found.service.carrier} made this label as {found.content_type}.", status=404)
        return _file(found, bytes(found.content), found.content_type)
    return _file(found, makers.zpl(sheets.sheet(found)).encode(), "application/zpl")


@require_POST
@permission_required(WORK, raise_exception=True)
def printed(request: HttpRequest, label_id: int) -> HttpResponse:
    """POST /labels/<id>/printed: count a print, and go on to the label."""
    labels.printed(_label(request, label_id).pk, actor=actors.person(request.user))
    return htmx.redirect(request, reverse("orders:label", args=[label_id]))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/parcels: the panel on the order's page."""
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    rows = (
        Package.objects.for_user(request.user)
        .filter(fulfilment__order=found)
        .select_related("fulfilment", "fulfilment__shipment")
        .order_by("fulfilment__sequence", "sequence")
    )
    return htmx.part(request, "orders/_order_parcels.html", {"order": found, "rows": list(rows[:100])})


def _job(request: HttpRequest, number: str) -> FulfilmentOrder:
    rows = FulfilmentOrder.objects.for_user(request.user).select_related("location__site", "order__channel")
    return get_object_or_404(rows, number=number)


def _label(request: HttpRequest, label_id: int) -> ParcelLabel:
    return get_object_or_404(sheets.for_print(ParcelLabel.objects.for_user(request.user)), pk=label_id)


def _ready(request: HttpRequest, label_id: int) -> ParcelLabel:
    found = _label(request, label_id)
    if found.status != LabelStatus.BOUGHT:
        raise Refusal("no_label", f"This label is {found.get_status_display().lower()}.", status=404)
    return found


def _file(found: ParcelLabel, content: bytes, content_type: str, *, inline: bool = False) -> HttpResponse:
    ending = {"application/pdf": "pdf", "image/png": "png", "application/zpl": "zpl"}.get(content_type, "bin")
    answer = HttpResponse(content, content_type=content_type)
    how = "inline" if inline and ending in {"pdf", "png"} else "attachment"
    answer["Content-Disposition"] = f'{how}; filename="label-{found.pk}.{ending}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _fresh(request: HttpRequest, job: FulfilmentOrder) -> HttpResponse:
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:parcels", args=[job.number]))
    return htmx.part(request, "orders/_parcels.html", _context(request, _job(request, job.number)))


def _context(request: HttpRequest, job: FulfilmentOrder) -> dict[str, Any]:
    rows = tracking.of(job)
    newest = {row.pk: max(row.labels.all(), key=lambda made: made.pk, default=None) for row in rows}
    unlabelled = [row for row in rows if (made := newest[row.pk]) is None or made.status not in LIVE]
    may = job.status == FulfilmentStatus.PACKED and request.user.has_perm(WORK)
    return {
        "job": job,
        "order": job.order,
        "parcels": [{"row": row, "label": newest[row.pk], "scans": _scans(row)} for row in rows],
        "waiting": any(made is not None and made.status == LabelStatus.WANTED for made in newest.values()),
        "unlabelled": unlabelled,
        "may": may,
        "services": _services(job, unlabelled) if may and unlabelled else [],
    }


def _scans(row: Package) -> list[Any]:
    return sorted(row.scans.all(), key=lambda scan: (scan.occurred_at, scan.pk), reverse=True)


def _services(job: FulfilmentOrder, parcels: list[Package]) -> list[tuple[str, str]]:
    """What may be chosen: what goes there, with its price and day for the heaviest parcel; then the rest by name."""
    weight = max((row.weight_grams or 0 for row in parcels), default=0)
    goods = [(line.item, line.quantity) for line in job.lines.select_related("item") if line.quantity]
    known = weight or sum((item.weight_grams or 0) * units for item, units in goods)
    offered = choosing.quotes(job, job.order, weight=known or 1, goods=goods)
    priced = [
        (q.service, f"{q.carrier} {q.name}: {q.cost:.2f} {q.currency}, by {q.arrives_by:%a %d %b}")
        for q in sorted(offered, key=lambda q: (q.currency, q.cost))
    ]
    rest = CarrierService.objects.in_use().exclude(code__in=[code for code, _ in priced])
    return [("", "The cheapest that keeps the promise"), *priced, *((s.code, f"{s}: no price for this") for s in rest)]
