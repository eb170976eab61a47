"""The ready shelf and the counter: who waits for what, handing over by code, and what nobody wants any more."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Refusal
from orders import currencies
from orders import events as facts
from orders.models import Collection, CustomerMessage, FulfilmentStatus, Order, StorePolicy
from orders.services import fulfilment, pickup, refunds_due
from orders.views import asked, shelf

PERMISSION = "orders.view_fulfilmentorder"
WORK = "orders.work_fulfilment"
TOLD = (facts.READY, facts.COLLECT_SOON)  # of what a customer who is to come hears
VIEWS = (("", "Waiting"), ("ending", "Last days"), ("back", "To put back"))


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def ready(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/ready/?view=&q=: what waits for its customer, the one that has waited longest first."""
    place = asked.place(request, code)
    view = request.GET.get("view", "")
    if view not in dict(VIEWS):
        raise Refusal("bad_filter", "There is no such list.", status=400)
    rows = _rows(request, view).filter(location=place)
    if words := request.GET.get("q", "").replace("\0", "").strip()[:100]:
        rows = rows.filter(
            Q(code=words.upper().replace(" ", ""))
            | Q(fulfilment__number__istartswith=words)
            | Q(fulfilment__order__channel_number__in=(words, f"#{words}"))
            | Q(fulfilment__order__buyer_name__icontains=words)
            | Q(shelf=words.upper())
        )
    page = htmx.keyset_page(
        rows.select_related("fulfilment__order__channel").annotate(units=Sum("fulfilment__lines__quantity", default=0)),
        request,
        order=("collect_by", "id"),
    )
    context = {"place": place, "page": page, "total": htmx.capped_count(rows), "view": view, "views": VIEWS, "q": words}
    return htmx.render(request, "orders/ready.html", context, fragment="orders/_ready.html")


def _rows(request: HttpRequest, view: str) -> QuerySet[Collection]:
    rows = Collection.objects.for_user(request.user)
    if view == "back":
        return rows.to_put_back()
    rows = rows.waiting()
    return rows.filter(collect_by__lt=timezone.now() + timedelta(days=1)) if view == "ending" else rows


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def counter(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/handover?q=: a customer stands here. Their code or number leads to the order."""
    place = asked.place(request, code)
    words = request.GET.get("q", "").replace("\0", "").strip()[:60]
    found = pickup.find(words, location_id=place.pk) if words else None
    if found is not None:
        shown = f"?code={found.code}" if "".join(words.upper().split()) == found.code else ""
        return htmx.redirect(request, reverse("orders:collection", args=[code, found.fulfilment.number]) + shown)
    context = {
        "place": place,
        "q": words,
        "go_url": reverse("orders:counter", args=[code]) + "?q=",
        "waiting": htmx.capped_count(Collection.objects.waiting().filter(location=place)),
    }
    return htmx.render(request, "orders/counter.html", context, status=404 if words else 200)


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def collection(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /s/<site>/ready/<number>: one order on the ready shelf, what may be shown for it, and what is in it."""
    found = _find(request, code, number)
    return htmx.render(request, "orders/collection.html", _context(request, found), fragment="orders/_collection.html")


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def label(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /s/<site>/ready/<number>/label: what is stuck on the bag. The customer's own code is not on it."""
    return htmx.render(request, "orders/collection_label.html", _context(request, _find(request, code, number)))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/collections: the panel on the order's page, with the code for a customer who calls."""
    found = get_object_or_404(Order.objects.for_user(request.user), number=number)
    rows = Collection.objects.for_user(request.user).filter(fulfilment__order=found)
    context = {
        "order": found,
        "rows": list(rows.select_related("fulfilment", "location__site").order_by("fulfilment__sequence")[:50]),
        "owed": refunds_due.outstanding(found.pk),
        "spaced": pickup.spaced,
    }
    return htmx.part(request, "orders/_order_collections.html", context)


@require_POST
@permission_required(WORK, raise_exception=True)
def act(request: HttpRequest, code: str, number: str, verb: str) -> HttpResponse:
    """POST /s/<site>/ready/<number>/<verb>: hand over (all or part), not wanted, move on the shelf, put back."""
    found = _find(request, code, number)
    actor, version = actors.person(request.user), typed.version(request)
    job = found.fulfilment
    try:
        if verb == "hand-over":
            fulfilment.hand_over(
                job.pk,
                code=typed.words(request, "code", 20),
                id_seen=bool(request.POST.get("id_seen")),
                given_to=typed.words(request, "given_to", 120),
                taken=_taken(request, found),
                keep_rest=request.POST.get("rest") == "keep",
                version=version,
                actor=actor,
            )
            said = "Handed over"
        elif verb == "not-wanted":
            reason = typed.words(request, "reason", 200)
            fulfilment.uncollected(job.pk, reason=reason or "Not wanted", version=version, actor=actor)
            said = "Off the ready shelf. Put it back"
        elif verb == "shelve":
            pickup.shelve(job.pk, shelf=typed.words(request, "shelf", 20), version=version, actor=actor)
            said = "Moved"
        elif verb == "put-back":
            pickup.put_back(job.pk, actor=actor)
            said = "Back on its own shelf"
        else:
            raise Refusal("unknown_action", "There is no such step.", status=404)
    except Refusal as refusal:
        if refusal.status != 409 or not htmx.asked(request):
            raise
        context = _context(request, _find(request, code, number))
        return htmx.refuse(request, refusal, fresh="orders/_fresh_collection.html", context=context)
    if not htmx.asked(request):
        return htmx.redirect(request, reverse("orders:collection", args=[code, number]))
    context = _context(request, _find(request, code, number)) | {"said": said}
    return htmx.part(request, "orders/_collection.html", context)


def _taken(request: HttpRequest, found: Collection) -> dict[int, int]:
    lines = found.fulfilment.lines.filter(quantity__gt=0).values_list("pk", flat=True)
    return {pk: typed.count(request, f"taken-{pk}", 0) for pk in lines if f"taken-{pk}" in request.POST}


def _find(request: HttpRequest, code: str, number: str) -> Collection:
    rows = Collection.objects.for_user(request.user).select_related(
        "fulfilment__order__channel", "fulfilment__location", "location__site"
    )
    found: Collection = get_object_or_404(rows, fulfilment__number=number, location__site__code=code)
    return found


def _context(request: HttpRequest, found: Collection) -> dict[str, Any]:
    job, order = found.fulfilment, found.fulfilment.order
    lines = list(job.lines.filter(quantity__gt=0).select_related("item", "order_line").order_by("order_line__position"))
    waits = job.status == FulfilmentStatus.READY
    worth = sum(
        (refunds_due.value(line.order_line, line.quantity, included=order.tax_included) for line in lines), Decimal(0)
    )
    back = found.put_back_at is None and (found.declined or job.status in {"UNCOLLECTED", "CANCELLED", "REJECTED"})
    shown = request.GET.get("code", "").replace("\0", "")[:20]
    return {
        "collection": found,
        "job": job,
        "order": order,
        "place": found.location,
        "site": found.location.site.code if found.location.site else "",
        "lines": lines,
        "rows": shelf.rows(job),
        "waits": waits,
        "late": waits and found.collect_by < timezone.now(),
        "worth": currencies.rounded(worth, order.currency),
        "shown": shown if shown == found.code else "",
        "policy": StorePolicy.of(found.location_id),
        "back": back,
        "told": list(CustomerMessage.objects.filter(order=order, event__in=TOLD).order_by("-id")[:4]),
        "may": request.user.has_perm(WORK),
        "said": "",
    }
