"""What an item's units are: each lot and serial number where it lies, or the parts a kit is made of."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem, Refusal
from inventory import skus
from inventory.filters import LotFilter
from inventory.models import INSIDE, Item, LotStock, State
from inventory.services import kits
from inventory.views import choosing

COLUMNS = ("id", "lot__code", "lot__expires_on", "location__code", "location__name", "state", "quantity")


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def units(request: HttpRequest, sku: str) -> HttpResponse:
    """GET /stock/<sku>/units: the lots or serial numbers of it at the places this person sees."""
    found = _item(request, sku)
    rows: QuerySet[Any] = LotStock.objects.for_user(request.user).filter(lot__item=found, quantity__gt=0)
    rows = LotFilter(request.GET, rows, request=request).found()
    context = {
        "item": found,
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("lot__code", "id")),
        "total": htmx.capped_count(rows),
        "places": choosing.places(request),
        "states": [(state.value, state.label) for state in INSIDE],
        "state": State,
        "narrowed": any(request.GET.get(name) for name in LotFilter.base_filters),
    }
    return htmx.render(request, "inventory/units.html", context, fragment="inventory/_units.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("inventory.view_item", raise_exception=True)
def parts(request: HttpRequest, sku: str) -> HttpResponse:
    """GET, POST /stock/<sku>/parts: what a kit is made of, a part a line; changing it (422 with what is wrong)."""
    found = _item(request, sku)
    made_of = found.parts.order_by("part__sku").values_list("part__sku", "quantity")
    text = "\n".join(f"{part} {quantity}" for part, quantity in made_of)
    problems: dict[str, str] = {}
    if request.method == "POST":
        if not request.user.has_perm("inventory.change_item"):
            raise Refusal("not_allowed", "Your role can't change items.", status=403)
        text = request.POST.get("parts", "")[:10_000]
        try:
            kits.define(found.pk, _read(text), actor=actors.person(request.user))
        except Refusal as refusal:
            problems = {"parts": refusal.message}
        else:
            htmx.toast(request, f"{found.sku} is made of {len(found.parts.all())} parts")
            return htmx.redirect(request, reverse("inventory:item", args=[found.sku]))
    context = {
        "item": found,
        "text": text,
        "problems": problems,
        "may": request.user.has_perm("inventory.change_item"),
    }
    status = 422 if problems else 200
    return htmx.render(request, "inventory/parts.html", context, fragment="inventory/_parts.html", status=status)


def _item(request: HttpRequest, sku: str) -> Item:
    return get_object_or_404(Item.objects.for_user(request.user), sku=skus.normalise(sku))


def _read(text: str) -> dict[int, int]:
    """{item id: units} from lines such as `CUP 2`; a part alone counts once. Invalid names the lines that are wrong."""
    asked: list[tuple[int, str, str]] = []
    for n, line in enumerate(text.splitlines(), 1):
        words = skus.normalise(line).rsplit(" ", 1)
        if words != [""]:
            asked.append((n, words[0], words[1]) if len(words) == 2 else (n, words[0], "1"))
    known = Item.objects.resolve([sku for _, sku, _ in asked])
    problems, made = [], dict[int, int]()
    for n, sku, quantity in asked:
        if sku not in known:
            problems.append(Problem("", "unknown", f"Line {n}: nobody knows {sku}."))
        elif not (quantity.isascii() and quantity.isdigit() and len(quantity) < 10):
            problems.append(Problem("", "number", f"Line {n}: {quantity} is no quantity."))
        elif known[sku] in made:
            problems.append(Problem("", "duplicate", f"Line {n}: {sku} is there twice."))
        else:
            made[known[sku]] = int(quantity)
    if problems:
        raise Invalid(problems, status=422)
    return made
