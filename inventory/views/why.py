"""Why this number: what a channel may promise of an item, term by term, rule by rule, promise by promise."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core import htmx
from core.errors import Invalid, Problem
from inventory import availability as arithmetic
from inventory import skus
from inventory.availability import Rule, Terms
from inventory.models import BufferRule, ExpectedReceipt, Item, Location, Reservation
from inventory.services.availability import METHODS, Available, Reckoning
from inventory.views import buffers

PROMISES = 50


@require_safe
@permission_required("inventory.view_item", raise_exception=True)
def why(request: HttpRequest, sku: str) -> HttpResponse:
    """GET /stock/<sku>/why?channel=&location=&by=&method=: the figure at every place this person sees, or at one."""
    found = get_object_or_404(Item.objects.for_user(request.user), sku=skus.normalise(sku))
    asked = _asked(request)
    mine = dict(Location.objects.for_user(request.user).order_by("code").values_list("id", "code"))
    here = _one(request, asked["location"])
    ids = [here.pk] if here else list(mine)
    question = Reckoning([found.pk], asked["channel"], ids, asked["by"], asked["method"] or None)
    rows = sorted(question.rows(), key=lambda row: mine[row.location_id])
    context: dict[str, Any] = {
        "item": found,
        "asked": asked,
        "channels": sorted({*buffers.channels(), *([asked["channel"]] if asked["channel"] else [])}),
        "places": list(Location.objects.for_user(request.user).order_by("name").values_list("code", "name")),
        "methods": METHODS,
        "here": here,
        "rows": [{"row": row, "place": question.places[row.location_id]} for row in rows],
        "total": sum(row.available for row in rows),
        "parts": _parts(question, found.pk),
        "embedded": _embedded(request),
    }
    if here:
        context |= _details(request, question, found, here, next(iter(rows), None))
    return htmx.render(request, "inventory/why.html", context, fragment="inventory/_why.html")


def _embedded(request: HttpRequest) -> bool:
    """Whether another page shows this as a part of itself: then it stands in that page's own margins."""
    return htmx.partial(request) and not urlsplit(request.headers.get("HX-Current-URL", "")).path.endswith("/why")


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The question in the address; Invalid (400) names what makes no sense."""
    problems: list[Problem] = []
    given = {name: request.GET.get(name, "").strip() for name in ("channel", "location", "by", "method")}
    if len(given["channel"]) > 40 or "\0" in given["channel"]:
        problems.append(Problem("channel", "text", "A channel has a short code."))
    if given["method"] and given["method"] not in METHODS:
        problems.append(Problem("method", "choice", f"One of {', '.join(METHODS)}."))
    by: date | None = None
    if given["by"]:
        try:
            by = date.fromisoformat(given["by"])
        except ValueError:
            problems.append(Problem("by", "date", "A day as YYYY-MM-DD."))
        if by is not None and not 2000 <= by.year <= 2200:
            problems.append(Problem("by", "date", "A day of these times."))
    if problems:
        raise Invalid(problems, code="bad_filter")
    return {**given, "by": by}


def _one(request: HttpRequest, code: str) -> Location | None:
    """The place asked about; a foreign or unknown one is 404."""
    return get_object_or_404(Location.objects.for_user(request.user), code=code) if code and "\0" not in code else None


def _parts(question: Reckoning, item_id: int) -> list[dict[str, Any]]:
    """What a kit is made of, for the links to its parts."""
    parts = question.parts.get(item_id, [])
    names = {pk: (sku, name) for pk, sku, name in Item.objects.filter(pk__in=[p for p, _ in parts]).values_list(
        "id", "sku", "name"
    )} if parts else {}  # fmt: skip
    return [{"sku": names[part][0], "name": names[part][1], "quantity": quantity} for part, quantity in parts]


def _details(
    request: HttpRequest, question: Reckoning, found: Item, here: Location, row: Available | None
) -> dict[str, Any]:
    """Everything behind the one figure: steps, rules that won and lost, promises, what is coming."""
    attributes = found.attributes if isinstance(found.attributes, dict) else {}
    matching = question.book.matching(found.pk, attributes, here.pk)
    winners = {row.safety_rule, row.buffer_rule} if row else set()
    stored = {
        rule["id"]: rule
        for rule in BufferRule.objects.filter(pk__in=[rule.id for rule in matching]).values(
            "id", "kind", "channel", "measure", "amount", "note", "location__code", "item__sku", "attribute_key",
            "attribute_value",
        )
    }  # fmt: skip
    promises = _promises(request, found, here)
    return {
        "row": row,
        "steps": _steps(row, {rule.id: rule for rule in matching}) if row else [],
        "rules": [{**stored[rule.id], "won": rule.id in winners} for rule in matching if rule.id in stored],
        "promises": promises[:PROMISES],
        "more_promises": len(promises) > PROMISES,
        "inbound": list(
            ExpectedReceipt.objects.for_user(request.user).open().filter(item=found, location=here)
            .order_by("due_at", "id").values("quantity", "received", "due_at", "cause_kind", "cause_uid", "cause_label")
        )[:PROMISES],
        "lag": question.measured.lag_seconds,
        "per_day": question.measured.rates.get((found.pk, here.pk), 0.0),
    }  # fmt: skip


def _steps(row: Available, rules: dict[int, Rule]) -> list[arithmetic.Step]:
    terms = Terms(row.sellable, row.reserved, row.safety, row.buffer, row.inbound)
    return arithmetic.steps(
        terms,
        safety=rules.get(row.safety_rule or 0),
        buffer=rules.get(row.buffer_rule or 0),
        room=row.room,
        barred=row.barred,
    )


def _promises(request: HttpRequest, found: Item, here: Location) -> list[dict[str, Any]]:
    """What is held there, of the item or of a kit's parts, with what it is held for."""
    items = [found.pk, *found.parts.values_list("part_id", flat=True)] if found.is_kit else [found.pk]
    held = Reservation.objects.for_user(request.user).held().filter(item_id__in=items, location=here).order_by("-id")
    cause = ("demand__cause_kind", "demand__cause_uid", "demand__cause_label", "demand__demand_uid")
    return list(held.values("id", "quantity", "kind", "expires_at", "created_at", *cause)[: PROMISES + 1])
