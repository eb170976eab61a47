"""Offering something else for what isn't on the shelf: what would fit, what it changes, and the customer's answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from inventory.models import Item
from orders import quantities
from orders.edits import Substitute
from orders.models import FulfilmentOrder, OrderLine
from orders.services import changing, substitutes

WORK = "orders.work_fulfilment"


@require_safe
@permission_required(WORK, raise_exception=True)
def offer(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /s/<site>/pick/<number>/something-else?line=&quantity=&sku=: what could be offered, and what that changes."""
    job, line = _find(request, code, number, request.GET.get("line", ""))
    most = quantities.to_deliver(line)
    units = min(_number(request.GET.get("quantity", "")) or line.open or most, most)
    chosen = Item.objects.filter(sku=request.GET.get("sku", "").replace("\0", "")[:120]).first()
    seen = None
    if chosen is not None and units:
        edit = Substitute(line=line.ref, sku=chosen.sku, quantity=units)
        seen = changing.preview(job.order_id, [edit], actor=actors.person(request.user))
    context = {
        "job": job,
        "order": job.order,
        "place": job.location,
        "site": code,
        "line": line,
        "units": units,
        "most": most,
        "chosen": chosen,
        "seen": seen,
        "candidates": substitutes.candidates(line.item, location_id=job.location_id, units=max(units, 1))
        if line.item
        else [],
        "key": str(uuid4()),
    }
    return htmx.render(request, "orders/substitute.html", context)


@require_POST
@permission_required(WORK, raise_exception=True)
def answer(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """POST /s/<site>/pick/<number>/instead: the customer agreed (it is done), or is to be asked (proposed)."""
    job, line = _find(request, code, number, request.POST.get("line", ""))
    units = typed.count(request, "quantity", 1)
    edit = Substitute(line=line.ref, sku=typed.words(request, "sku", 120), quantity=units)
    about: dict[str, Any] = {
        "version": typed.version(request),
        "actor": actors.person(request.user),
        "key": f"store:{job.pk}:{typed.words(request, 'key', 60)}",
        "note": f"Offered at {job.location.name} for {line.sku or line.title}",
    }
    if request.POST.get("answer") == "agreed":
        changing.confirm(job.order_id, [edit], token=typed.words(request, "token", 60), **about)
        htmx.toast(request, f"{units} × {edit.sku} instead of {line.sku}")
    else:
        changing.propose(job.order_id, [edit], **about)
        htmx.toast(request, "Offered. It is changed once the customer agrees")
    return htmx.redirect(request, reverse("orders:site", args=[code]))


def _find(request: HttpRequest, code: str, number: str, line: str) -> tuple[FulfilmentOrder, OrderLine]:
    """The work and a line of its order that has an article and units to deliver."""
    rows = FulfilmentOrder.objects.for_user(request.user).select_related("order__channel", "location__site")
    job: FulfilmentOrder = get_object_or_404(rows, number=number, location__site__code=code)
    lines = OrderLine.objects.filter(order=job.order_id, item__isnull=False).select_related("item")
    found: OrderLine = get_object_or_404(lines, pk=_number(line), fulfilment_lines__fulfilment=job)
    if not quantities.to_deliver(found):
        raise Refusal("nothing_to_change", "Nothing of this line is left to deliver.")
    return job, found


def _number(text: str) -> int:
    return typed.whole(text) or 0
