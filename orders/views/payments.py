"""Capturing and letting go of an order's payment by hand, with what it does shown first."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core import actors, amounts, htmx
from core.errors import Invalid, Problem, Refusal
from orders import currencies
from orders.models import Order
from orders.services import by_hand, captures, instructions
from orders.services.by_hand import Seen

PAY = "orders.pay_order"
VERBS = {"capture": by_hand.CAPTURE, "void": by_hand.LET_GO}
ZERO = Decimal(0)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(PAY, raise_exception=True)
def move(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """GET, POST /orders/<number>/payment/<capture or void>: the form, its preview, and, confirmed, the deed itself.

    The first POST shows what it would do; the second, with `sum` as it was shown, does it or asks for it. 422 with what
    is wrong.
    """
    if verb not in VERBS:
        raise Http404
    order = get_object_or_404(Order.objects.for_user(request.user).select_related("channel"), number=number)
    context: dict[str, Any] = {
        "order": order, "verb": verb, "problems": {}, "seen": None, "changed": False, **_left(order),
        "said": request.POST, "shown": shown, "key": request.POST.get("key") or str(uuid4()),
    }  # fmt: skip
    if request.method != "POST":
        return _page(request, context)
    try:
        why = why_of(request)
        context["seen"] = seen = _seen(request, order, verb)
        if request.POST.get("sum") == shown(seen):
            return _done(request, order, verb, seen, why)
        context["changed"] = bool(request.POST.get("sum"))
    except Invalid as invalid:
        context["problems"] = {p.path: p.message for p in invalid.problems}
    except Refusal as refusal:
        context["problems"] = {"": refusal.message}
    return _page(request, context, status=422 if context["problems"] else 200)


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return htmx.render(request, "orders/payment.html", context, fragment="orders/_payment.html", status=status)


def _seen(request: HttpRequest, order: Order, verb: str) -> Seen:
    if verb == "void":
        return by_hand.look_at_void(order)
    amount, problems = amounts.read(request.POST.get("amount", ""), order.currency, field="amount")
    if amount is None:
        missing = [Problem("amount", "missing", "Say how much is captured.")]
        raise Invalid(problems or missing, status=422)
    return by_hand.look_at_capture(order, amount)


def _done(request: HttpRequest, order: Order, verb: str, seen: Seen, why: str) -> HttpResponse:
    actor = actors.person(request.user)
    asked = by_hand.move(order, VERBS[verb], seen, key=key_of(request), why=why, actor=actor)
    deed = "captured" if verb == "capture" else "let go"
    htmx.toast(
        request, f"{order.number}: it waits for somebody else's word" if asked else f"{order.number}: it is {deed}"
    )
    where = reverse("exceptions:approval", args=[asked.pk]) if asked else reverse("orders:detail", args=[order.number])
    return htmx.redirect(request, where)


def _left(order: Order) -> dict[str, Any]:
    held = [(paid, left) for paid, left in instructions.held(order.pk) if paid.currency == order.currency]
    left = sum((amount for _, amount in held), ZERO)
    due = captures.due(order, list(order.lines.all()))
    due = min(due, left)
    return {"held": held, "left": left, "due": due, "suggested": f"{currencies.rounded(due or left, order.currency):f}"}


# --- Shared with store credit ----------------------------------------------------------------------------------------


def shown(seen: Seen) -> str:
    """Names what was looked at."""
    return f"{seen.amount:f}:{seen.currency}:{len(seen.parts)}:{bool(seen.rule):d}"


def why_of(request: HttpRequest) -> str:
    """The reason that was given. Invalid where there is none."""
    why = " ".join(request.POST.get("why", "").replace("\0", "").split())[:200]
    if len(why) < 3:
        raise Invalid([Problem("why", "missing", "Say why: it is kept with your name.")], status=422)
    return why


def key_of(request: HttpRequest) -> str:
    key = request.POST.get("key", "")
    if not re.fullmatch(r"[0-9a-f-]{36}", key):
        raise Refusal("no_key", "The form lacks its key. Open it again.", status=400)
    return key
