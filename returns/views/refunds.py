"""Refunds: what waits for somebody's word, what is on its way, what failed; and one refunded with its preview first."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, amounts, downloads, htmx, tabs, timeline
from core.errors import Invalid, Problem, Refusal
from exceptions.models import Case
from orders.models import Channel, Order, PaymentInstruction
from orders.services import instructions
from returns.models import RefundDecision, RefundStatus, RefundTo
from returns.refund_filters import RefundFilter
from returns.services import refund_approval, refund_figures, refunds
from returns.services.refunds import Line, Preview

SEE, DECIDE, APPROVE = "returns.view_refunddecision", "returns.decide_refund", "returns.approve_refund"
ORDER = ("-created_at", "-id")
COLUMNS = (
    "id", "number", "status", "to", "currency", "amount", "keep_it", "created_at", "entered_label", "approved_label",
    "why", "note", "order__number", "order__channel__name", "request__number",
)  # fmt: skip
EXPORTED = (
    ("Refund", "number"), ("Status", "status"), ("Order", "order__number"), ("Return", "request__number"),
    ("Channel", "order__channel__code"), ("To", "to"), ("Currency", "currency"), ("Amount", "amount"),
    ("Goods", "goods"), ("Carriage", "shipping"), ("Fees kept", "fees"), ("Tax in it", "tax"),
    ("Entered", "created_at"),
    ("By", "entered_label"), ("Approved by", "approved_label"), ("Paid back", "posted_at"), ("Why", "why"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("Waiting for approval", {"status": "WAITING"}),
    ("Failed", {"status": "FAILED"}),
    ("Being paid", {"status": "APPROVED"}),
    ("Paid back", {"status": "POSTED"}),
)


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/refunds/: filters and page in the address; the list alone when htmx asks."""
    rows = RefundFilter(request.GET, RefundDecision.objects.for_user(request.user)).found()
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=ORDER),
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "statuses": RefundStatus.choices,
        "ways": [choice for choice in RefundTo.choices if choice[0] != RefundTo.EXCHANGE],
        "channels": list(Channel.objects.for_user(request.user).values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in RefundFilter.base_filters),
    }
    return htmx.render(request, "returns/refunds.html", context, fragment="returns/_refunds.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /finance/refunds/export.csv?…: the list as filtered, newest first."""
    rows = RefundFilter(request.GET, RefundDecision.objects.for_user(request.user)).found()
    wanted = rows.order_by(*ORDER).values_list(*[column for _, column in EXPORTED])[: downloads.MOST]
    return downloads.csv_file("refunds", [title for title, _ in EXPORTED], wanted)


@require_safe
@permission_required(SEE, raise_exception=True)
def refund(request: HttpRequest, number: str) -> HttpResponse:
    """GET /finance/refunds/<number>: how much, why so much, to which tenders, and what became of it."""
    found = _find(request, number)
    return htmx.render(request, "returns/refund.html", _context(request, found), fragment="returns/_refund.html")


@require_POST
@permission_required(APPROVE, raise_exception=True)
def approve(request: HttpRequest, number: str) -> HttpResponse:
    """POST /finance/refunds/<number>/approve with its version `v`: it is paid now."""
    found = _find(request, number)
    _same_version(request, found)
    refund_approval.approve(found.pk, note=request.POST.get("note", "")[:500], actor=actors.person(request.user))
    htmx.toast(request, f"{found.number} is approved and on its way")
    return htmx.redirect(request, reverse("returns:refund", args=[found.number]))


@require_POST
@permission_required(DECIDE, raise_exception=True)
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """POST /finance/refunds/<number>/decline with `note` and its version: nothing goes back."""
    found = _find(request, number)
    _same_version(request, found)
    actor = actors.person(request.user)
    if found.status == RefundStatus.WAITING:
        refund_approval.decline(found.pk, note=request.POST.get("note", ""), actor=actor)
    else:
        refunds.decline(found.pk, note=request.POST.get("note", ""), actor=actor)
    htmx.toast(request, f"{found.number} is declined")
    return htmx.redirect(request, reverse("returns:refund", args=[found.number]))


@require_POST
@permission_required(DECIDE, raise_exception=True)
def retry(request: HttpRequest, number: str) -> HttpResponse:
    """POST /finance/refunds/<number>/retry with its version `v`: send again what failed."""
    found = _find(request, number)
    _same_version(request, found)
    refunds.retry(found.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{found.number} goes out again")
    return htmx.redirect(request, reverse("returns:refund", args=[found.number]))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(DECIDE, raise_exception=True)
def new(request: HttpRequest, number: str) -> HttpResponse:
    """GET, POST /finance/refunds/of/<order>: what may go back, its preview, and, confirmed, the refund itself.

    The first POST shows what it would do; the second, with `sum` as it was shown, does it. 422 with what is wrong.
    """
    order = get_object_or_404(Order.objects.for_user(request.user).select_related("channel"), number=number)
    context: dict[str, Any] = {
        "order": order, "said": request.POST, "problems": {}, "seen": None, "changed": False,
        "key": request.POST.get("key") or str(uuid4()), **_left(order),
    }  # fmt: skip
    status = 200
    if request.method == "POST":
        try:
            asked = _asked(request, order)
            context["seen"] = seen = refunds.preview_for_order(order.pk, **asked)
            if request.POST.get("sum") == _shown(seen):
                return _decided(request, order, asked)
            context["changed"] = bool(request.POST.get("sum"))
        except Invalid as invalid:
            context["problems"], status = {p.path: p.message for p in invalid.problems}, 422
        except Refusal as refusal:
            context["problems"], status = {"": refusal.message}, 422
    return htmx.render(request, "returns/refund_new.html", context, fragment="returns/_refund_new.html", status=status)


@require_safe
@permission_required(SEE, raise_exception=True)
def order_panel(request: HttpRequest, number: str) -> HttpResponse:
    """GET /finance/orders/<number>/refunds: the order page's part about what went back, loaded by URL name."""
    orders = Order.objects.for_user(request.user).select_related("channel")
    order = get_object_or_404(orders, number=number)
    context = {
        "order": order,
        "left": instructions.refundable(order.pk, order.currency),
        "refunds": list(RefundDecision.objects.filter(order=order).order_by("-pk")[:10]),
        "instructions": list(PaymentInstruction.objects.filter(order=order).order_by("-pk")[:20]),
    }
    return htmx.part(request, "returns/_order_money.html", context)


def _decided(request: HttpRequest, order: Order, asked: dict[str, Any]) -> HttpResponse:
    key = request.POST.get("key", "")
    if not re.fullmatch(r"[0-9a-f-]{36}", key):
        raise Refusal("no_key", "The form lacks its key.", status=400)
    decision = refunds.decide_for_order(
        order.pk, cause=f"screen:{order.pk}:{key}", why=request.POST.get("why", "").replace("\0", "").strip()[:255],
        actor=actors.person(request.user), **asked,
    )  # fmt: skip
    waits = decision.status == RefundStatus.WAITING
    htmx.toast(request, f"{decision.number} {'waits for approval' if waits else 'is on its way'}")
    return htmx.redirect(request, reverse("returns:refund", args=[decision.number]))


def _asked(request: HttpRequest, order: Order) -> dict[str, Any]:
    """The form's words as `refunds` takes them. Invalid by field."""
    problems: list[Problem] = []
    lines = []
    for line in order.lines.order_by("position", "pk"):
        what = (line.sku or line.title)[:60]
        units = _number(request, f"units-{line.pk}", f"The units of {what}", problems)
        amount = _money(request, f"amount-{line.pk}", f"The amount of {what}", order.currency, problems)
        if units or amount:
            lines.append(Line(line.pk, units or 0, amount))
    shipping = _money(request, "shipping", "The carriage", order.currency, problems)
    fee = _money(request, "fee", "The fee kept back", order.currency, problems)
    to = request.POST.get("to") or RefundTo.ORIGINAL
    if to not in {RefundTo.ORIGINAL, RefundTo.STORE_CREDIT}:
        problems.append(Problem("to", "unknown", "Choose one of those offered."))
    if problems:
        raise Invalid(problems, status=422)
    if not lines and not shipping:
        raise Refusal("nothing_asked", "Say what goes back: units, an amount of a line, or carriage.", status=422)
    return {"lines": lines, "shipping": shipping or Decimal(0), "fee": fee or Decimal(0), "to": to}


def _number(request: HttpRequest, name: str, what: str, problems: list[Problem]) -> int | None:
    text = request.POST.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        problems.append(Problem(name, "number", f"{what} have to be a whole number, such as 1."))
        return None
    return int(text) if text else None


def _money(request: HttpRequest, name: str, what: str, currency: str, problems: list[Problem]) -> Decimal | None:
    amount, wrong = amounts.read(request.POST.get(name, ""), currency, field=name, name=what, zero=True)
    problems += wrong
    return amount


def _left(order: Order) -> dict[str, Any]:
    from returns import refunding

    figures = refund_figures.of_order(order)
    paid = refunding.worth(figures)
    carriage = refunding.carriage_of(figures)
    titles = {line.pk: line for line in order.lines.all()}
    return {
        "lines": [
            {
                "line": titles[each.id], "units": each.ordered - each.refunded_units,
                "left": paid[each.id].amount - each.refunded,
            }
            for each in figures.lines
        ],
        "carriage": carriage.amount - figures.refunded_shipping,
        "left": instructions.refundable(order.pk, order.currency) - refund_figures.waiting(order),
        "tenders": instructions.tenders_of(order.pk, order.currency),
        "ways": [choice for choice in RefundTo.choices if choice[0] != RefundTo.EXCHANGE],
    }  # fmt: skip


def _shown(seen: Preview) -> str:
    return f"{seen.amount}:{seen.to}:{seen.refund.currency}"


def _find(request: HttpRequest, number: str) -> RefundDecision:
    rows = RefundDecision.objects.for_user(request.user).select_related("order__channel", "request")
    found: RefundDecision = get_object_or_404(rows, number=number)
    return found


def _same_version(request: HttpRequest, found: RefundDecision) -> None:
    given = request.POST.get("v", "")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise Refusal("bad_version", "The form lacks the refund's version.", status=400)
    if int(given) != found.version:
        raise Refusal("stale", f"{found.number} changed meanwhile.", status_now=found.status)


def _context(request: HttpRequest, found: RefundDecision) -> dict[str, Any]:
    cause = refunds.cause_of(found)
    mine = found.entered_by_id is not None and found.entered_by_id == request.user.pk
    return {
        "refund": found,
        "instructions": list(
            PaymentInstruction.objects.filter(cause=cause).select_related("tender", "credit").order_by("pk")
        ),
        "mine": mine,
        "case": Case.objects.still_open().filter(subject_kind="refund", subject_uid=str(found.pk)).first(),
        "limit": refund_approval.rule(found.amount, found.currency),
        "events": timeline.of(found.subject),
        "words": timeline.words,
    }
