"""Changing an order: a form, what the change would do, and the button that does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Problem, Refusal
from inventory.models import Location, LocationStatus
from orders import edits as shapes
from orders.edits import Cancel, Edit
from orders.models import ChangeStatus, HoldType, Method, Order, OrderChange, OrderLine
from orders.services import changing

EDIT, CANCEL = "orders.edit_order", "orders.cancel_order"
ADDRESS = (
    ("name", "Name"), ("company", "Company"), ("line1", "Street"), ("line2", "Second line"), ("city", "Town"),
    ("postal_code", "Postal code"), ("region", "Region"), ("country", "Country code"), ("phone", "Phone"),
)  # fmt: skip


@require_safe
@permission_required(EDIT, raise_exception=True)
def change(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/change: the order as a form; nothing happens before its effect was shown."""
    order = _find(request, number)
    pickup = Location.objects.filter(pickup=True, status=LocationStatus.ACTIVE).order_by("name")
    context = {
        "order": order,
        "lines": _lines(order),
        "address": order.ship_to or {},
        "parts": ADDRESS,
        "methods": Method.choices,
        "places": list(pickup.values_list("code", "name")),
        "changeable": any(line.open + line.allocated + line.backordered for line in _lines(order)),
    }
    return htmx.render(request, "orders/change.html", context)


@require_POST
@permission_required(EDIT, raise_exception=True)
def preview(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/change/preview: what the form's edits would do to stock, money and promise. Changes
    nothing."""
    return _preview(request, number, _edits, confirm="orders:change_confirm")


@require_POST
@permission_required(CANCEL, raise_exception=True)
def preview_cancel(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/cancel/preview: what cancelling all that has not left would do. Changes nothing."""
    return _preview(request, number, _all_of_it, confirm="orders:cancel")


def _preview(
    request: HttpRequest, number: str, asked_for: Callable[[HttpRequest, Order], tuple[Edit, ...]], *, confirm: str
) -> HttpResponse:
    order = _find(request, number)
    context: dict[str, Any] = {"order": order, "problems": [], "seen": None, "confirm": confirm}
    try:
        edits = asked_for(request, order)
        seen = changing.preview(order.pk, edits, actor=actors.person(request.user))
        context |= {
            "seen": seen,
            "promise": {name: datetime.fromisoformat(at) for name, at in seen.promise.items() if isinstance(at, str)},
            "edits": json.dumps(shapes.write(edits)),
            "key": uuid4().hex,
            "holds": dict(HoldType.choices),
        }
    except Invalid as invalid:
        context["problems"] = [f"{_where(problem)} {problem.message}".strip() for problem in invalid.problems]
    return htmx.part(request, "orders/_effect.html", context)


@require_POST
@permission_required(EDIT, raise_exception=True)
def confirm(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/change/confirm: make exactly the change that was shown, or say what is different now."""
    order = _find(request, number)
    changing.confirm(
        order.pk,
        _sent(request),
        version=typed.version(request),
        actor=actors.person(request.user),
        key=typed.words(request, "key", 64),
        token=typed.words(request, "token", 64),
        note=typed.words(request, "note", 500),
    )
    htmx.toast(request, f"{number} is changed")
    return htmx.redirect(request, reverse("orders:detail", args=[number]))


@require_POST
@permission_required(CANCEL, raise_exception=True)
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """POST /orders/<number>/cancel: cancel exactly as it was shown, or say what is different now."""
    order = _find(request, number)
    token = typed.words(request, "token", 64)
    if not token:
        raise Refusal("look_first", "Look at what cancelling does first, then confirm it.", status=422)
    reason = typed.words(request, "note", 255)
    changing.confirm(
        order.pk,
        (Cancel(reason=reason),),
        version=typed.version(request),
        actor=actors.person(request.user),
        key=typed.words(request, "key", 64),
        token=token,
        note=reason,
    )
    htmx.toast(request, f"{number} cancelled")
    return htmx.redirect(request, reverse("orders:detail", args=[number]))


@require_safe
@permission_required("orders.view_order", raise_exception=True)
def of_order(request: HttpRequest, number: str) -> HttpResponse:
    """GET /orders/<number>/changes: what was changed, and what waits for an answer. A panel of the order's page."""
    order = _find(request, number)
    rows = list(OrderChange.objects.filter(order=order).order_by("-pk")[:20])
    return htmx.part(request, "orders/_changes.html", {"order": order, "changes": rows})


@require_POST
@permission_required(EDIT, raise_exception=True)
def answer(request: HttpRequest, number: str, pk: int, verb: str) -> HttpResponse:
    """POST /orders/<number>/changes/<id>/accept or decline: the answer to what was proposed."""
    order = _find(request, number)
    found = get_object_or_404(OrderChange, pk=pk, order=order)
    actor = actors.person(request.user)
    if verb == "accept":
        changing.accept(found.pk, actor=actor)
    elif verb == "decline":
        changing.decline(found.pk, reason=typed.words(request, "reason", 255), actor=actor)
    else:
        raise Refusal("unknown_action", "There is no such step.", status=404)
    state = ChangeStatus.CONFIRMED if verb == "accept" else ChangeStatus.DECLINED
    htmx.toast(request, f"{found.summary}: {state.label.lower()}")
    return htmx.redirect(request, reverse("orders:detail", args=[number]))


def _find(request: HttpRequest, number: str) -> Order:
    rows = Order.objects.for_user(request.user).select_related("channel", "pickup_location")
    return get_object_or_404(rows, number=number)


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.filter(ordered__gt=0).select_related("item").order_by("position", "pk"))


def _sent(request: HttpRequest) -> tuple[Edit, ...]:
    try:
        data = json.loads(request.POST.get("edits", ""))
    except ValueError:
        data = None
    return shapes.read(data)


def _edits(request: HttpRequest, order: Order) -> tuple[Edit, ...]:
    """What the form says differently from the order; Invalid (422) names what can't be read."""
    if request.POST.get("all"):
        return _all_of_it(request, order)
    data: list[dict[str, Any]] = []
    for line in _lines(order):
        data += _of_line(request, line)
    if sku := typed.words(request, "add_sku", 120):
        added = {"edit": "add_line", "sku": sku, "quantity": _whole(request, "add_quantity", "of the other article", 1)}
        price = typed.words(request, "add_price", 20)
        data.append(added | ({"unit_price": price} if price else {}))
    now = {name: str((order.ship_to or {}).get(name) or "") for name, _ in ADDRESS}
    given = {name: typed.words(request, f"a_{name}", 255) for name, _ in ADDRESS}
    if given != now and any(given.values()):
        given["country"] = given["country"].upper()
        data.append({"edit": "address", "address": given})
    method, place = typed.words(request, "method", 6), typed.words(request, "place", 120)
    place = place if method == Method.PICKUP else ""
    if method and (method, place) != (order.method, order.pickup_location_code):
        data.append({"edit": "method", "method": method, "pickup_location_code": place})
    if not data:
        raise Invalid([Problem("", "nothing_changes", "Nothing is changed yet.")], status=422)
    return shapes.read(data)


def _all_of_it(request: HttpRequest, order: Order) -> tuple[Edit, ...]:
    return (Cancel(reason=typed.words(request, "note", 255)),)


def _of_line(request: HttpRequest, line: OrderLine) -> list[dict[str, Any]]:
    wanted = line.ordered - line.cancelled
    if sku := typed.words(request, f"s_{line.pk}", 120):
        return [{"edit": "substitute", "line": line.ref, "sku": sku}]
    if f"q_{line.pk}" not in request.POST:
        return []
    units = _whole(request, f"q_{line.pk}", f"of {line.title or line.sku}", 0)
    return [] if units == wanted else [{"edit": "quantity", "line": line.ref, "quantity": units}]


def _whole(request: HttpRequest, name: str, of: str, least: int) -> int:
    try:
        return typed.count(request, name, least)
    except Invalid as invalid:
        words = f"Units {of} must be a whole number from {least}."
        raise Invalid([Problem(name, "range", words)], status=422) from invalid


def _where(problem: Problem) -> str:
    """The field of a problem in words: `edits[0].address.country` is the country."""
    return problem.path.rpartition(".")[2].replace("_", " ").capitalize() if "." in problem.path else ""
