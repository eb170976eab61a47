"""The rules that keep units back: listed, made, changed and retired, each with its effect shown first."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Problem, Refusal
from inventory.buffer_filters import BufferFilter
from inventory.models import BufferRule, ChannelFeed, Item, Location, Measure, RuleKind
from inventory.services import buffers as rules
from inventory.services.buffers import Draft, Effect

COLUMNS = (
    "id", "kind", "channel", "measure", "amount", "at_least", "at_most", "note", "active", "attribute_key",
    "attribute_value", "location__code", "location__name", "item__sku", "item__name", "updated_at",
)  # fmt: skip
FIELDS = (
    "kind", "channel", "place", "item", "attribute_key", "attribute_value", "measure", "amount", "at_least", "at_most",
    "note",
)  # fmt: skip
DECIMAL, WHOLE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?"), re.compile(r"[0-9]{1,7}")
SEE, CHANGE = "inventory.view_bufferrule", "inventory.change_stock_rules"


@require_safe
@permission_required(SEE, raise_exception=True)
def buffers(request: HttpRequest) -> HttpResponse:
    """GET /stock/buffers/: filters and page in the address; the list alone when htmx asks."""
    rows = BufferFilter(request.GET, BufferRule.objects.for_user(request.user)).found()
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "kinds": RuleKind.choices,
        "measures": Measure.choices,
        "places": places(request),
        "channels": [(code, code) for code in channels()],
        "narrowed": any(request.GET.get(name) for name in BufferFilter.base_filters),
    }
    return htmx.render(request, "inventory/buffers.html", context, fragment="inventory/_buffers.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /stock/buffers/new: the form, or again (422) with what is wrong."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET, POST /stock/buffers/<id>: change a rule; 409 where somebody else did meanwhile."""
    return _form(request, _mine(request, pk))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def preview(request: HttpRequest) -> HttpResponse:
    """POST /stock/buffers/preview: what the form's rule would do, now, to goods it is about. Changes nothing."""
    pk = request.POST.get("rule", "")
    rule = _mine(request, number) if (number := typed.whole(pk)) is not None else None
    context: dict[str, Any] = {"effects": [], "problem": ""}
    try:
        draft = _draft(request)
        here = Location.objects.for_user(request.user).values_list("pk", flat=True)
        effects = rules.preview(draft, location_ids=list(here), rule_id=rule.pk if rule else None)
        context["effects"] = _named(effects)
        context["changed"] = sum(each.before.available != each.after.available for each in effects)
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "inventory/_buffer_preview.html", context)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """POST /stock/buffers/<id>/retire: out of force from now on."""
    rule = _mine(request, pk)
    rules.retire(rule.pk, version=typed.version(request), actor=actors.person(request.user))
    htmx.toast(request, f"Rule {pk} is no longer in force")
    return htmx.redirect(request, reverse("inventory:buffers"))


def _form(request: HttpRequest, rule: BufferRule | None) -> HttpResponse:
    values = {name: request.POST.get(name, "") for name in FIELDS} if request.method == "POST" else _values(rule)
    problems: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            version = typed.version(request)
            pk = rules.save(
                _draft(request), actor=actors.person(request.user), rule_id=rule.pk if rule else None, version=version
            )
        except Invalid as invalid:
            problems, status = {problem.path: problem.message for problem in invalid.problems}, 422
        except Refusal as refusal:
            if refusal.code != "scope_taken":
                raise
            problems, status = {"kind": refusal.message}, 422
        else:
            htmx.toast(request, f"Rule {pk} is in force")
            return htmx.redirect(request, reverse("inventory:buffers"))
    context = {
        "rule": rule, "values": values, "problems": problems, "kinds": RuleKind.choices, "measures": Measure.choices,
        "places": places(request), "channels": channels(), "everywhere": _unlimited(request),
    }  # fmt: skip
    return htmx.render(request, "inventory/buffer.html", context, fragment="inventory/_buffer_form.html", status=status)


def _values(rule: BufferRule | None) -> dict[str, Any]:
    if rule is None:
        return dict.fromkeys(FIELDS, "") | {"kind": RuleKind.BUFFER, "measure": Measure.UNITS, "at_least": 0}
    return {
        **{name: getattr(rule, name) for name in FIELDS if name not in {"place", "item", "amount"}},
        "place": rule.location.code if rule.location else "",
        "item": rule.item.sku if rule.item else "",
        "amount": f"{rule.amount.normalize():f}",
    }


def _draft(request: HttpRequest) -> Draft:
    """The form as a draft; Invalid (422) for what can't be read or isn't there."""
    problems: list[Problem] = []
    given = {name: typed.words(request, name, 300) for name in FIELDS}
    place = Location.objects.for_user(request.user).filter(code=given["place"]).first() if given["place"] else None
    if (given["place"] and place is None) or (not given["place"] and not _unlimited(request)):
        problems.append(Problem("place", "unknown", "Choose a place of yours."))
    item = _item(given["item"])
    if given["item"] and item is None:
        problems.append(Problem("item", "unknown", "Nobody knows this SKU."))
    amount, least, most = (_number(given[name], name, problems) for name in ("amount", "at_least", "at_most"))
    if amount is None:
        problems.append(Problem("amount", "required", "How much is kept back?"))
    if problems or amount is None:
        raise Invalid(problems, status=422)
    return Draft(
        kind=given["kind"],
        measure=given["measure"],
        amount=amount,
        channel=given["channel"][:40],
        location_id=place.pk if place else None,
        item_id=item,
        attribute_key=given["attribute_key"][:60],
        attribute_value=given["attribute_value"][:200],
        at_least=int(least or 0),
        at_most=None if most is None else int(most),
        note=given["note"],
    )


def _item(code: str) -> int | None:
    known = Item.objects.resolve([code, code.upper()]) if code else {}
    return known.get(code) or known.get(code.upper())


def _number(text: str, name: str, problems: list[Problem]) -> Decimal | None:
    """Plain digits, at most two decimals; None where nothing was written."""
    if not text:
        return None
    shape = DECIMAL if name == "amount" else WHOLE
    if not shape.fullmatch(text):
        problems.append(Problem(name, "number", "A plain number."))
        return Decimal(0)
    return Decimal(text)


def _named(effects: list[Effect]) -> list[dict[str, Any]]:
    items = dict(Item.objects.filter(pk__in={e.after.item_id for e in effects}).values_list("pk", "sku"))
    codes = dict(Location.objects.filter(pk__in={e.after.location_id for e in effects}).values_list("pk", "name"))
    return [
        {"sku": items[e.after.item_id], "place": codes[e.after.location_id], "before": e.before, "after": e.after}
        for e in effects[:50]
    ]


def _mine(request: HttpRequest, pk: int) -> BufferRule:
    """A rule this person may change: one of their places, or any for those without a limit."""
    rows = BufferRule.objects.for_user(request.user).select_related("item", "location").filter(active=True)
    if not _unlimited(request):
        rows = rows.exclude(location=None)
    return get_object_or_404(rows, pk=pk)


def _unlimited(request: HttpRequest) -> bool:
    return request.user.site_ids() is None  # type: ignore[union-attr]


def places(request: HttpRequest) -> list[tuple[str, str]]:
    return list(Location.objects.for_user(request.user).order_by("name").values_list("code", "name"))


def channels() -> list[str]:
    """Codes that feeds or rules speak of: stock knows channels by nothing else."""
    fed = ChannelFeed.objects.order_by().values_list("channel", flat=True)
    ruled = BufferRule.objects.order_by().exclude(channel="").values_list("channel", flat=True)
    return sorted(set(fed.union(ruled)))
