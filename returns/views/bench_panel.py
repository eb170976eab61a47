"""What happened to a return's goods, as a panel on its page: clocks, inspections, dispositions, exchanges."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, amounts, htmx, ids, typed
from core.errors import Invalid, Problem, Refusal
from returns.models import (
    Acceptance,
    ChoiceStatus,
    Disposition,
    Exchange,
    Inspection,
    InspectionPhoto,
    ReasonText,
    RejectionChoice,
    ReturnReason,
    ReturnRequest,
)
from returns.services import exchanges, inspection, reading, rejected, standing_clocks
from returns.services.exchanges import Instead

SEE = "returns.view_returnrequest"
NEEDS = {"rejected": "returns.approve_return", "handed": "returns.approve_return", "stop": "returns.approve_return",
         "decide": "returns.approve_return", "reason": "returns.request_return", "exchange": "returns.exchange_return",
         "preview": "returns.exchange_return", "pay": "returns.exchange_return"}  # fmt: skip
ROWS = 3


@require_safe
@permission_required(SEE, raise_exception=True)
def panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /returns/<number>/bench: the panel alone, loaded by the return's page."""
    return htmx.part(request, "returns/_bench_panel.html", _context(request, _rma(request, number)))


@require_safe
@permission_required(SEE, raise_exception=True)
def photo(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /returns/photos/<id>: the picture as it was written anew here."""
    found = get_object_or_404(InspectionPhoto.objects.for_user(request.user).only("content"), pk=pk)
    response = HttpResponse(bytes(found.content), content_type="image/jpeg")
    response["Content-Disposition"] = f'inline; filename="photo-{pk}.jpg"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600, immutable"
    return response


@require_POST
@permission_required(SEE, raise_exception=True)
def act(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """POST /returns/<number>/bench/<verb>: decide, reason, preview, exchange or pay; the fresh panel, or why not."""
    rma = _rma(request, number)
    if verb not in NEEDS:
        raise Refusal("unknown_action", "There is no such step here.", status=404)
    if not request.user.has_perm(NEEDS[verb]):
        raise Refusal("forbidden", "Your role may not do this.", status=403)
    said: dict[str, Any] = {}
    try:
        said = _STEPS[verb](request, rma)
    except Invalid as invalid:
        problems = {problem.path: problem.message for problem in invalid.problems}
        context = _context(request, rma) | {"problems": problems, "sent": request.POST}
        return htmx.part(request, "returns/_bench_panel.html", context, status=422)
    except Refusal as refusal:
        context = _context(request, _rma(request, number)) | {"problems": {"": refusal.message}, "sent": request.POST}
        return htmx.part(request, "returns/_bench_panel.html", context, status=refusal.status)
    return htmx.part(request, "returns/_bench_panel.html", _context(request, _rma(request, number)) | said)


def _decide(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    seen = get_object_or_404(Inspection, line__request=rma, pk=typed.count(request, "inspection", 1))
    inspection.decide(
        seen.pk, typed.words(request, "verdict", 8), note=typed.words(request, "note", 300),
        actor=actors.person(request.user),
    )  # fmt: skip
    return {}


def _reason(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    line = get_object_or_404(rma.lines, pk=typed.count(request, "line", 1))
    reading.correct(line.pk, typed.words(request, "reason", 16), actor=actors.person(request.user))
    return {}


def _rejected(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    """What the customer said becomes of goods that were not accepted."""
    seen = get_object_or_404(Inspection, line__request=rma, pk=typed.count(request, "inspection", 1))
    way, words = typed.words(request, "way", 60), typed.words(request, "words", 500)
    about: dict[str, Any] = {
        "quantity": typed.count(request, "units", 1), "key": typed.words(request, "key", 60),
        "actor": actors.person(request.user),
    }  # fmt: skip
    if way in {"KEEP", "SCRAP"}:
        (rejected.keep if way == "KEEP" else rejected.scrap)(seen.pk, words=words, **about)
    else:
        rejected.give_back(seen.pk, by_hand=way == "HAND", service=way.removeprefix("BY:"), **about)
    return {}


def _handed(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    choice = get_object_or_404(RejectionChoice, line__request=rma, pk=typed.count(request, "choice", 1))
    rejected.handed_over(choice.pk, actor=actors.person(request.user))
    return {}


def _stop(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    choice = get_object_or_404(RejectionChoice, line__request=rma, pk=typed.count(request, "choice", 1))
    rejected.call_off(choice.pk, actor=actors.person(request.user))
    return {}


def _preview(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    return {"sums": exchanges.preview(rma.pk, _wanted(request, rma.currency)), "sent": request.POST}


def _exchange(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    exchanges.exchange(
        rma.pk, _wanted(request, rma.currency), ahead=bool(request.POST.get("advance")),
        key=typed.words(request, "key", 60), version=typed.version(request), actor=actors.person(request.user),
    )  # fmt: skip
    return {}


def _pay(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    made = get_object_or_404(Exchange, request=rma, pk=typed.count(request, "exchange", 1))
    reference = typed.words(request, "reference", 100)
    if not reference:
        raise Invalid([Problem("reference", "required", "Say under which number it was paid.")], status=422)
    exchanges.pay(made.pk, reference=reference, gateway="till", actor=actors.person(request.user))
    return {}


_STEPS = {
    "rejected": _rejected,
    "handed": _handed,
    "stop": _stop,
    "decide": _decide,
    "reason": _reason,
    "preview": _preview,
    "exchange": _exchange,
    "pay": _pay,
}


def _wanted(request: HttpRequest, currency: str) -> list[Instead]:
    found: list[Instead] = []
    problems: list[Problem] = []
    for n in range(ROWS):
        sku = typed.words(request, f"sku-{n}", 120)
        if not sku:
            continue
        units, price = request.POST.get(f"units-{n}", "1").strip(), typed.words(request, f"price-{n}", 20)
        amount, wrong = amounts.read(price, currency, field=f"price-{n}", name=f"The price of {sku[:40]}", zero=True)
        problems += wrong
        if not (units.isascii() and units.isdigit() and 0 < len(units) < 6):
            words = f"The units of {sku[:40]} have to be a whole number from 1."
            problems.append(Problem(f"units-{n}", "range", words))
            units = "1"
        found.append(Instead(sku, int(units), amount))
    if problems:
        raise Invalid(problems, status=422)
    return found


def _rma(request: HttpRequest, number: str) -> ReturnRequest:
    rows = ReturnRequest.objects.for_user(request.user).select_related("order", "location__site")
    return get_object_or_404(rows, number=number)


def _theirs(each: Inspection) -> int:
    """Rejected units about which nothing was agreed yet, as `rejected.left` counts them, without asking again."""
    if each.verdict != Acceptance.REJECTED:
        return 0
    waiting = sum(choice.quantity for choice in each.choices.all() if choice.status == ChoiceStatus.WAITING)
    return int(each.quantity - each.chosen - waiting)


def _context(request: HttpRequest, rma: ReturnRequest) -> dict[str, Any]:
    lines = list(rma.lines.select_related("item").order_by("position"))
    stream = Disposition.objects.select_related("location").order_by("pk")
    seen = Inspection.objects.filter(line__request=rma).select_related("line__item", "location").order_by("pk")
    shots = InspectionPhoto.objects.only("pk", "inspection_id", "line_id").order_by("pk")
    readings = {row.line_id: row for row in ReasonText.objects.filter(line__request=rma)}
    asked = rma.exchanges.select_related("order").order_by("pk")
    may = request.user.has_perm
    chosen = RejectionChoice.objects.select_related("label").defer("label__content").order_by("pk")
    inspections = list(
        seen.prefetch_related(
            Prefetch("dispositions", stream), Prefetch("photos", shots), Prefetch("choices", chosen)
        )[:200]
    )  # fmt: skip
    unsettled = {each.pk: free for each in inspections if (free := _theirs(each))}
    return {
        "rma": rma, "lines": [(line, readings.get(line.pk)) for line in lines], "now": timezone.now(),
        "clocks": standing_clocks.of_return(rma.pk),
        "inspections": inspections, "unsettled": unsettled,
        "ways": {each.pk: rejected.ways(rma, each) for each in inspections if each.pk in unsettled}
        if may(NEEDS["rejected"]) else {},
        "exchanges": list(asked), "reasons": [c for c in ReturnReason.choices if c[0] != ReturnReason.UNKNOWN],
        "review": Acceptance.REVIEW, "may_decide": may(NEEDS["decide"]), "may_read": may(NEEDS["reason"]),
        "may_exchange": may(NEEDS["exchange"]) and rma.order is not None and not asked
        and rma.approved_at is not None and rma.refund_plan == "ON_RECEIPT",
        "side": "s" if rma.location and rma.location.kind == "STORE" else "w", "key": ids.uuid7(), "rows": range(ROWS),
        "to_do": any(line.awaited or line.received > line.accepted + line.rejected for line in lines),
        "may_bench": may("returns.inspect_return"), "sums": None, "problems": {}, "sent": {},
    }  # fmt: skip
