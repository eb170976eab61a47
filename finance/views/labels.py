"""What providers' labels mean: those nobody knows first, and every decision a person made, by version."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from core.errors import Invalid, Problem
from finance import canonical, labels
from finance.models import LineKind, SettlementLine
from finance.services import costs, matches

SEE, MAP = "finance.view_labelmapping", "finance.map_labels"


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/labels/: the labels that wait, and the maps in force."""
    return htmx.render(request, "finance/labels.html", _context(request))


def _context(request: HttpRequest, problems: dict[str, str] | None = None) -> dict[str, Any]:
    provider = request.GET.get("provider", "")
    reader = canonical.reader(provider)
    return {
        "unknown": labels.unknown(), "said": labels.in_force(provider if reader else ""),
        "documented": sorted(reader.labels.items())[:400] if reader else [], "reader": reader,
        "readers": canonical.readers(), "kinds": LineKind.choices, "names": dict(LineKind.choices),
        "may": request.user.has_perm(MAP), "problems": problems or {},
    }  # fmt: skip


@require_POST
@permission_required(MAP, raise_exception=True)
def preview(request: HttpRequest) -> HttpResponse:
    """POST /finance/labels/preview: what saying so would classify; changes nothing."""
    provider, label, kind = _said(request)
    rows = SettlementLine.objects.filter(settlement__provider=provider, label=label, kind="")
    waiting = rows.values("settlement__currency").annotate(lines=Count("id")).order_by("settlement__currency")
    context = {
        "provider": provider, "label": label, "kind": kind, "name": dict(LineKind.choices)[kind],
        "waiting": list(waiting), "next": labels.version(provider) + 1,
        "settlements": list(rows.values_list("settlement_id", "settlement__ref").distinct()[:20]),
    }  # fmt: skip
    return htmx.render(request, "finance/label_preview.html", context)


@require_POST
@permission_required(MAP, raise_exception=True)
def say(request: HttpRequest) -> HttpResponse:
    """POST /finance/labels/say: the next version of the provider's map; its payouts are matched again."""
    provider, label, kind = _said(request)
    actor = actors.person(request.user)
    for pk in labels.say(provider, label, kind, note=request.POST.get("note", "").replace("\0", ""), actor=actor):
        matches.match(pk, actor=actor)
    htmx.toast(request, f"{label} is {dict(LineKind.choices)[kind].lower()} from now on")
    return htmx.redirect(request, reverse("finance:labels"))


def _said(request: HttpRequest) -> tuple[str, str, str]:
    provider, label, kind = (request.POST.get(name, "").replace("\0", "") for name in ("provider", "label", "kind"))
    if canonical.reader(provider) is None or not 0 < len(label) <= 160:
        raise Invalid([Problem("label", "unknown", "There is no such label.")], status=422)
    if kind not in LineKind.values:
        raise Invalid([Problem("kind", "unknown", "Choose what the label means.")], status=422)
    return provider, label, kind


@require_safe
@permission_required("finance.view_settlement", raise_exception=True)
def fees(request: HttpRequest) -> HttpResponse:
    """GET /finance/fees/?from=&to=: what being paid costs, by provider, channel and method."""
    today = timezone.localdate()
    first, last = _day(request, "from", today - timedelta(days=90)), _day(request, "to", today)
    context = {"rows": costs.by_method(first, last), "first": first, "last": last, "names": _titles()}
    return htmx.render(request, "finance/fees.html", context)


def _titles() -> dict[str, str]:
    return {reader.code: reader.title for reader in canonical.readers()}


def _day(request: HttpRequest, name: str, default: date) -> date:
    given = request.GET.get(name, "")
    if not given:
        return default
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Invalid([Problem(name, "date", "A date such as 2026-01-31.")], code="bad_filter") from None
