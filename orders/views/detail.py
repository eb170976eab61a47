"""One order on one page: split, lines, money, timeline, and what may be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, events, formats, htmx, timeline, typed
from core.errors import Refusal
from core.subjects import Subject
from exceptions.models import Case
from orders import events as facts
from orders.models import FulfilmentLine, FulfilmentOrder, FulfilmentStatus, HoldType, Order, OrderLine, Payment
from orders.models.fulfilment import ACTIVE, GONE
from orders.services import hold_rules, holds, standing
from orders.shipping_address import lines_of
from orders.sourcing.criteria import CRITERIA

S = FulfilmentStatus
TRIES_SHOWN = 20
STEPS = (
    ("Allocated", {S.OPEN}),
    ("Accepted", {S.ACCEPTED}),
    ("Picked", {S.PICKING, S.PICKED}),
    ("Packed", {S.PACKED}),
    ("Shipped", {S.SHIPPED, S.DELIVERED}),
)


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>."""
    found = _find(request, number)
    return htmx.render(request, "orders/detail.html", _context(request, found), fragment="orders/_detail.html")


@require_POST
@permission_required("orders.release_order", raise_exception=True)
def hold(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/hold: nothing more of it goes to a node until a person lifts the hold."""
    found = _find(request, number)
    holds.place(
        found.pk,
        reason=request.POST.get("reason", "").strip(),
        rule=request.POST.get("rule", "")[:40],
        actor=actors.person(request.user),
        version=typed.version(request),
    )
    htmx.toast(request, f"{found.number} is on hold")
    return htmx.redirect(request, reverse("orders:detail", args=[found.number]))


@require_POST
@permission_required("orders.release_order", raise_exception=True)
def release(request: HttpRequest, number: str, hold_type: str) -> HttpResponse:
    """POST /orders/<number>/holds/<type>/release: refused while the hold's own reason is still true."""
    if hold_type not in HoldType.values:
        raise Refusal("unknown_hold", "There is no such hold.", status=404)
    found = _find(request, number)
    holds.release(
        found.pk,
        hold_type=hold_type,
        actor=actors.person(request.user),
        version=typed.version(request),
        note=request.POST.get("note", "").replace("\0", "").strip()[:500],
    )
    htmx.toast(request, f"{HoldType(hold_type).label} hold lifted")
    return htmx.redirect(request, reverse("orders:detail", args=[found.number]))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def why(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/why: the latest decisions with every candidate; the last one alone, for the dialog."""
    found, dialog = _find(request, number), htmx.partial(request)
    decisions = found.sourcing_decisions.select_related("policy_version__policy").order_by("-id")
    shadows = found.shadow_decisions.select_related("policy_version__policy").order_by("-id")
    context = {
        "order": found,
        "page": not dialog,
        "decisions": list(decisions[: 1 if dialog else TRIES_SHOWN]),
        "shadows": [] if dialog else list(shadows[:TRIES_SHOWN]),
        "titles": {kind.name: kind.title for kind in CRITERIA.values()},
    }
    return htmx.render(request, "orders/why.html", context, fragment="orders/_why.html")


@require_POST
@permission_required("orders.view_order", raise_exception=True)
def contact(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/contact: the customer's contact in clear; who looked is recorded."""
    found = _find(request, number)
    with transaction.atomic():
        Order.objects.select_for_update(no_key=True).get(pk=found.pk)
        events.record(facts.CONTACT_SHOWN, subject(found), actor=actors.person(request.user))
    context = {"order": found, "contact": {"email": found.buyer_email, "phone": found.buyer_phone, "hidden": False}}
    return htmx.part(request, "orders/_customer.html", context)


def subject(found: Order) -> Subject:
    return Subject("order", str(found.pk), found.number)


def masked(found: Order) -> dict[str, Any]:
    """The contact as everybody sees it: enough to recognise, not enough to use."""
    return {
        "email": formats.masked_address(found.buyer_email),
        "phone": f"•••{found.buyer_phone[-3:]}" if found.buyer_phone else "",
        "hidden": bool(found.buyer_email or found.buyer_phone),
    }


def _find(request: HttpRequest, number: str) -> Order:
    rows = Order.objects.for_user(request.user).select_related("channel", "pickup_location")
    return get_object_or_404(rows, number=number)


def _context(request: HttpRequest, found: Order) -> dict[str, Any]:
    lines = list(OrderLine.objects.filter(order=found).select_related("item").order_by("position", "pk"))
    works = list(
        FulfilmentOrder.objects.filter(order=found)
        .select_related("location", "location__site", "shipment")
        .prefetch_related(Prefetch("lines", FulfilmentLine.objects.select_related("item", "order_line")), "packages")
        .order_by("sequence")
    )
    cases = list(_open_cases(request, found, works))
    holding = list(found.holds.filter(status="CREATED").order_by("pk"))
    decision = found.sourcing_decisions.order_by("-id").first()
    payments = list(Payment.objects.filter(order=found).order_by("at", "pk"))
    paid = standing.of(found, lines, payments)
    shares = _shares(works)
    return {
        "order": found,
        "lines": [_line(line, shares) for line in lines],
        "units": sum(line.ordered for line in lines),
        "works": [_lane(work, cases) for work in works],
        "live": [work for work in works if work.status in ACTIVE | GONE],
        "cases": cases,
        "holds": holding,
        "hold_reasons": [("", "Only what is written below"), *hold_rules.chosen_by_people()],
        "decision": decision,
        "payments": payments,
        "paid": paid,
        "events": timeline.of(subject(found)),
        "words": timeline.words,
        "contact": masked(found),
        "address": lines_of(found.ship_to),
        "can_cancel": found.status in {"RECEIVED", "ACCEPTED"},
        "deliverable": any(line.open + line.allocated + line.backordered for line in lines),
    }


def _open_cases(request: HttpRequest, found: Order, works: Sequence[FulfilmentOrder]) -> Any:
    about = Q(subject_kind="order", subject_uid=str(found.pk))
    if works:
        about |= Q(subject_kind="fulfilment", subject_uid__in=[str(w.pk) for w in works])
    return Case.objects.for_user(request.user).still_open().filter(about).order_by("due_at", "pk")


def _shares(works: Sequence[FulfilmentOrder]) -> dict[int, dict[str, Any]]:
    """Per order line: the numbers of the shipments it is in, units picked and units a node came up short."""
    shares: dict[int, dict[str, Any]] = {}
    for work in works:
        for part in work.lines.all():
            share = shares.setdefault(part.order_line_id, {"in": [], "picked": 0, "short": 0})
            if part.quantity:
                share["in"].append(str(work.sequence))
            share["picked"] += part.picked
    return shares


def _line(line: OrderLine, shares: dict[int, dict[str, Any]]) -> dict[str, Any]:
    share = shares.get(line.pk, {"in": [], "picked": 0})
    return {"row": line, "shipments": ", ".join(share["in"]), "picked": share["picked"]}


def _lane(work: FulfilmentOrder, cases: Sequence[Case]) -> dict[str, Any]:
    open_case = next((c for c in cases if c.subject_kind == "fulfilment" and c.subject_uid == str(work.pk)), None)
    parts = [part for part in work.lines.all() if part.quantity]
    units = sum(part.quantity for part in parts)
    return {
        "work": work,
        "units": units,
        "parts": parts,
        "case": open_case,
        "steps": steps(work, units, sum(part.picked for part in parts)),
        "icon": {"STORE": "store", "WAREHOUSE": "warehouse"}.get(work.location.kind, "truck"),
        "active": work.status in ACTIVE,
    }


def steps(work: FulfilmentOrder, units: int, picked: int) -> list[tuple[str, str, str]]:
    """The lane's progress as (name, detail, state) with states done, now, stop or none."""
    times = {"Allocated": work.created_at, "Accepted": work.accepted_at, "Picked": work.picked_at,
             "Packed": work.packed_at, "Shipped": work.shipped_at}  # fmt: skip
    at = next((i for i, (_, statuses) in enumerate(STEPS) if work.status in statuses), None)
    made = []
    for position, (name, _) in enumerate(STEPS):
        moment = times[name]
        if work.status in {S.CANCELLED, S.REJECTED}:
            state = "done" if moment else ""
        elif work.status in GONE or (at is not None and position < at) or (position == at and work.status != S.PICKING):
            state = "done"
        elif work.status == S.PICKING and position == at:
            state = "now"
        else:
            state = "now" if at is not None and position == at + 1 else ""
        detail = moment.strftime("%H:%M") if moment and state == "done" else ""
        if name == "Picked" and work.status == S.PICKING:
            detail = f"{picked} of {units}"
        made.append((name, detail, state))
    if work.status in {S.CANCELLED, S.REJECTED}:
        made.append((work.get_status_display(), "", "stop"))
    return made
