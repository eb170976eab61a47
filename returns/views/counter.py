"""The store's counter: a customer stands here with something to bring back.

With a receipt or its order's number, found by the buyer's e-mail, as a gift, or with nothing at all. What was scanned
so far travels in the address, so nothing is lost by a reload and nothing is left behind by walking away. An order is
found wherever it was bought: only by its exact reference, and without its buyer's contact.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from core.ids import uuid7
from inventory.models import Item, Location
from inventory.services.codes import items_of
from orders import filters
from orders.models import Order
from orders.views.asked import place as place_of
from returns.models import Proof, RefundTo, ReturnKind, ReturnRequest
from returns.services import asking, requests
from returns.services.asking import Asked
from returns.views import asked

ASK = "returns.request_return"
MOST_FOUND, MOST_KINDS = 10, 40
MODES = {"blind": Proof.NONE, "gift": Proof.GIFT, "receipt": Proof.RECEIPT}
Basket = dict[str, int]


@require_safe
@permission_required(ASK, raise_exception=True)
def new(request: HttpRequest, code: str) -> HttpResponse:
    """GET /s/<site>/returns/new?q=|order=|mode=&b=…&scan=: find the purchase, then scan what comes back."""
    place = _place(request, code)
    mode = request.GET.get("mode", "")
    if mode and mode not in MODES:
        raise Refusal("bad_filter", "There is no such way.", status=400)
    if request.GET.get("order") or mode:
        return _basket(request, place, mode)
    words = request.GET.get("q", "").replace("\0", "").strip()[:120]
    found = _found(words) if words else []
    if len(found) == 1:
        return htmx.redirect(request, _here(place, order=found[0].number, how=_how(words)))
    context = {
        "place": place,
        "q": words,
        "found": found,
        "how": _how(words),
        "go_url": _here(place) + "?q=",
    }
    return htmx.render(request, "returns/counter.html", context, status=404 if words and not found else 200)


@require_POST
@permission_required(ASK, raise_exception=True)
def check(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/returns/check: what the policy would say. Changes nothing."""
    place = _place(request, code)
    context: dict[str, Any] = {"judged": None, "problem": "", "place": place}
    try:
        context["judged"] = requests.validate(_asked(request, place))
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "returns/_counter_judged.html", context)


@require_POST
@permission_required(ASK, raise_exception=True)
def make(request: HttpRequest, code: str) -> HttpResponse:
    """POST /s/<site>/returns/make: take the return in; sent twice it is one."""
    place = _place(request, code)
    rma = requests.request(_asked(request, place), actor=actors.person(request.user))
    return htmx.redirect(request, reverse("returns:counter_done", args=[code, rma.number]))


@require_safe
@permission_required(ASK, raise_exception=True)
def done(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """GET /s/<site>/returns/<number>/done: what was decided, and what to do with the goods."""
    place = _place(request, code)
    rows = ReturnRequest.objects.for_user(request.user).select_related("order", "location")
    rma = get_object_or_404(rows, number=number)
    context = {"place": place, "rma": rma, "lines": list(rma.lines.order_by("position"))}
    return htmx.render(request, "returns/counter_done.html", context)


# --- Finding the purchase, and what comes back


def _place(request: HttpRequest, code: str) -> Location:
    place = place_of(request, code)
    if not place.returns:
        raise Refusal("no_returns", f"{place.name} takes no returns.", status=409)
    return place


def _how(words: str) -> str:
    return Proof.LOOKUP if "@" in words else Proof.RECEIPT


def _found(words: str) -> list[Order]:
    """Orders a reference names exactly, newest first, whichever store or channel they were bought at."""
    rows = Order.objects.filter(pk__in=filters.matching(words), test=False).select_related("channel")
    return list(rows.order_by("-placed_at", "-pk")[:MOST_FOUND])


def _basket(request: HttpRequest, place: Location, mode: str) -> HttpResponse:
    order = _order(request.GET.get("order", "")) if not mode else None
    basket = _read(request)
    kept = {
        "order": order.number if order else "", "mode": mode, "receipt": request.GET.get("receipt", "")[:120],
        "how": request.GET.get("how", ""), "gift": request.GET.get("gift", ""),
    }  # fmt: skip
    problem = ""
    if scanned := request.GET.get("scan", "").replace("\0", "").strip()[:120]:
        try:
            key = _scanned(scanned, order, basket)
        except Refusal as refusal:
            problem = refusal.message
        else:
            basket[key] = basket.get(key, 0) + 1
            return htmx.redirect(request, _here(place, basket, **kept))
    rows = _rows(order, basket)
    context = {
        "place": place,
        "order": order,
        "mode": mode,
        "kept": kept,
        "rows": rows,
        "basket": basket,
        "reasons": asked.REASONS,
        "conditions": asked.CONDITIONS,
        "ways": [way for way in RefundTo.choices if not (mode or kept["gift"]) or way[0] != RefundTo.ORIGINAL],
        "uid": uuid7(),
        "problem": problem,
        "go_url": _here(place, basket, **kept) + "&scan=",
    }
    return htmx.render(request, "returns/counter_basket.html", context)


def _rows(order: Order | None, basket: Basket) -> list[dict[str, Any]]:
    if order is not None:
        return [{**each, "n": basket.get(each["key"], 0)} for each in asked.returnable(order)]
    items = {item.sku: item for item in Item.objects.filter(sku__in=list(basket))}
    return [
        {"key": sku, "item": items[sku], "n": n, "free": 999, "serial": items[sku].tracking == "SERIAL"}
        for sku, n in basket.items()
        if sku in items
    ]


def _scanned(code: str, order: Order | None, basket: Basket) -> str:
    """The key in the basket that a scanned code means. Refusal where it isn't of this order, or nobody knows it."""
    ids = items_of(code)
    if order is None:
        sku = Item.objects.filter(pk__in=ids).order_by("pk").values_list("sku", flat=True).first()
        if sku is None:
            raise Refusal("unknown_code", f"Nobody knows {code}.", status=422)
        return str(sku)
    lines = [each for each in asked.returnable(order) if each["row"].item_id in ids]
    if not lines:
        raise Refusal("not_of_order", f"{order.number} had no such article: {code}.", status=422)
    free = next((each for each in lines if each["free"] > basket.get(each["key"], 0)), None)
    if free is None:
        raise Refusal("already_returned", "All of these are back or on their way back already.", status=422)
    return str(free["key"])


def _read(request: HttpRequest) -> Basket:
    """What was scanned so far; what makes no sense in the address is left out."""
    found: Basket = {}
    for each in request.GET.getlist("b")[:MOST_KINDS]:
        key, _, units = each.rpartition(":")
        if key and units.isascii() and units.isdigit() and 0 < len(units) < 4 and int(units) and "\0" not in key:
            found[key] = int(units)
    return found


def _here(place: Location, basket: Basket | None = None, **kept: str) -> str:
    assert place.site is not None  # noqa: S101  (found by its site's code)
    pairs = [(name, value) for name, value in kept.items() if value]
    pairs += [("b", f"{key}:{units}") for key, units in (basket or {}).items()]
    url = reverse("returns:counter", args=[place.site.code])
    return f"{url}?{urlencode(pairs)}" if pairs else url


def _order(number: str) -> Order:
    return get_object_or_404(Order.objects.select_related("channel"), number=number.upper()[:20])


def _asked(request: HttpRequest, place: Location) -> Asked:
    number, mode = typed.words(request, "order_number", 20), typed.words(request, "mode", 10)
    order = _order(number) if number else None
    channel = order.channel if order else asking.store_channel(place)
    proof = MODES.get(mode, typed.words(request, "how", 10) or Proof.RECEIPT)
    if typed.words(request, "gift", 2):
        proof = Proof.GIFT
    if proof not in Proof.values:
        raise Invalid([asked.Problem("how", "choice", "There is no such way.")], status=422)
    keys = [key.removeprefix("n-") for key in request.POST if key.startswith("n-")][:200]
    return Asked(
        kind=ReturnKind.COUNTER,
        proof=proof,
        order_id=order.pk if order else None,
        channel_id=channel.pk if channel else None,
        store_id=place.pk,
        receipt_ref=typed.words(request, "receipt", 120),
        refund_to=typed.words(request, "to", 12) or (RefundTo.ORIGINAL if order else RefundTo.STORE_CREDIT),
        buyer_name=typed.words(request, "name", 120),
        buyer_email=typed.words(request, "email", 200),
        lines=asked.lines(request, keys),
        uid=asked.uid(request),
    )
