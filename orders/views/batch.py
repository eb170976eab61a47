"""One walk for several orders: started from the day's list, scanned into totes, row by row in the order of the bins."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from inventory.models import Item, Tracking
from inventory.services import placements
from inventory.services.placements import NOWHERE, Spot
from orders.models import BatchStatus, BatchWork, FulfilmentLine, FulfilmentPart, PickBatch
from orders.services import batches, short_reasons
from orders.views import asked


@dataclass(slots=True)
class Row:
    """An article on the walk: where it lies, and how many of it go into which tote."""

    item: Item
    spot: Spot = NOWHERE
    wanted: int = 0
    found: int = 0
    short: int = 0  # how many may be reported short from here; those of kits are reported in their own order
    totes: list[tuple[str, int, int]] = field(default_factory=list)  # tote, wanted, found

    @property
    def left(self) -> int:
        return self.wanted - self.found


@require_POST
@permission_required("orders.work_fulfilment", raise_exception=True)
def start(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/batches: the orders ticked, or those due soonest, on one walk."""
    place = asked.place(request, code)
    made = batches.start(place.pk, numbers=request.POST.getlist("work")[:50], actor=actors.person(request.user))
    return htmx.redirect(request, reverse("orders:batch", args=[code, made.pk]))


@require_safe
@permission_required("orders.view_fulfilmentorder", raise_exception=True)
def walk(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """GET /s/<site>/batches/<id>: the next bin, and what comes after it."""
    context = _context(request, _find(request, code, pk))
    return htmx.render(request, "orders/batch.html", context, fragment="orders/_batch.html")


@require_POST
@permission_required("orders.work_fulfilment", raise_exception=True)
def act(request: HttpRequest, code: str, pk: int, verb: str) -> HttpResponse:
    """POST /s/<site>/batches/<id>/<verb>: report short, or stop walking together."""
    found, actor = _find(request, code, pk), actors.person(request.user)
    try:
        if verb == "short":
            units = batches.short(
                found.pk,
                item_id=typed.count(request, "item", 1),
                quantity=typed.count(request, "quantity", 1),
                reason=typed.words(request, "reason", 20),
                actor=actor,
            )
            said = f"{units} reported short. Another place is asked"
        elif verb == "end":
            batches.end(found.pk, actor=actor)
            said = "Each order goes on by itself"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        fresh = _context(request, _find(request, code, pk))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_batch.html", context=fresh)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:batch", args=[code, pk]))
    return htmx.part(request, "orders/_batch.html", _context(request, _find(request, code, pk)) | {"said": said})


def _find(request: HttpRequest, code: str, pk: int) -> PickBatch:
    rows = PickBatch.objects.for_user(request.user).select_related("location__site")
    found: PickBatch = get_object_or_404(rows, pk=pk, location__site__code=code)
    return found


def _context(request: HttpRequest, batch: PickBatch) -> dict[str, Any]:
    works = list(
        BatchWork.objects.filter(batch=batch)
        .select_related("fulfilment", "fulfilment__order")
        .prefetch_related(
            Prefetch("fulfilment__lines", FulfilmentLine.objects.filter(quantity__gt=0).select_related("item")),
            Prefetch("fulfilment__lines__parts", FulfilmentPart.objects.select_related("item")),
        )
        .order_by("tote")
    )
    running = batch.status == BatchStatus.OPEN
    picking = [work for work in works if running and work.fulfilment.status == "PICKING"]
    rows = _rows(batch, sorted(picking, key=lambda work: (work.fulfilment.due_at, work.fulfilment_id)))
    left = [row for row in rows if row.left]
    skipped = request.GET.get("skip", "")
    current = next((row for row in left if str(row.item.pk) != skipped), left[0] if left else None)
    may = running and request.user.has_perm("orders.work_fulfilment")
    code = batch.location.site.code if batch.location.site else ""
    return {
        "batch": batch,
        "place": batch.location,
        "site": code,
        "works": works,
        "rows": rows,
        "current": current,
        "position": rows.index(current) + 1 if current else len(rows),
        "upcoming": [row for row in left if row is not current],
        "due": min((work.fulfilment.due_at for work in picking), default=None),
        "running": running,
        "may": may,
        "reasons": short_reasons.every() if may and current else [],
        "codes": _codes(left),
        "scan_url": reverse("orders:scans", args=[code]) if may and current else "",
        "scan_kind": "batch",
        "scan_target": batch.pk,
        "said": "",
    }


def _rows(batch: PickBatch, works: list[BatchWork]) -> list[Row]:
    """In the order of the walk. `works` come by their promises, and so do the totes of a row."""
    rows: dict[int, Row] = {}
    for work in works:
        totes: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for line in work.fulfilment.lines.all():
            for slot in line.slots:
                row = rows.setdefault(slot.item_id, Row(slot.item))
                row.wanted += slot.wanted
                row.found += slot.picked
                row.short += 0 if line.is_kit else slot.wanted - slot.picked
                totes[slot.item_id][0] += slot.wanted
                totes[slot.item_id][1] += slot.picked
        for item_id, (wanted, found) in totes.items():
            rows[item_id].totes.append((work.tote, wanted, found))
    spots = placements.spots(batch.location_id, list(rows))
    for item_id, row in rows.items():
        row.spot = spots.get(item_id, NOWHERE)
    return sorted(rows.values(), key=lambda row: (row.spot.key, row.item.sku))


def _codes(left: list[Row]) -> dict[str, Any] | None:
    """What a device may read here and where each unit goes; None where lots or serials are scanned."""
    if any(row.item.tracking != Tracking.NONE for row in left):
        return None
    return {
        code: [
            row.item.name,
            row.item.pk,
            [[tote, wanted - found] for tote, wanted, found in row.totes if wanted > found],
        ]
        for row in left
        for code in (row.item.gtin, row.item.sku)
        if code
    }
