"""What people do with postings: enter, approve, decline, reverse, and book by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import actors, amounts, htmx, typed
from core.errors import Invalid, Problem, Refusal
from finance.models import Entity, Posting
from finance.services import deciding, entering
from finance.views.postings import find
from orders import currencies
from orders.models import Order

LABELS = {"amount": "The amount", "currency": "The currency", "why": "The reason"}


@require_POST
@permission_required("finance.approve_posting", raise_exception=True)
def approve(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/postings/<id>/approve with its version `v`."""
    return _done(request, uid, "approved", deciding.approve, note=_note(request))


@require_POST
@permission_required("finance.approve_posting", raise_exception=True)
def decline(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/postings/<id>/decline with its version `v` and a `note`."""
    return _done(request, uid, "declined", deciding.decline, note=_note(request))


@require_POST
@permission_required("finance.reverse_posting", raise_exception=True)
def reverse_posting(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/postings/<id>/reverse with its version `v` and a `note`: the reversal, waiting for approval."""
    return _done(request, uid, "being reversed", deciding.reverse, why=_note(request))


@require_POST
@permission_required("finance.retry_posting", raise_exception=True)
def by_hand(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/postings/<id>/by-hand with its version `v` and the ERP's `number`."""
    return _done(request, uid, "booked", deciding.by_hand, number=request.POST.get("number", ""))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("finance.enter_posting", raise_exception=True)
def enter(request: HttpRequest) -> HttpResponse:
    """GET the form of an adjustment or write-off; POST it: the posting, waiting for somebody else's approval."""
    values = {
        name: request.POST.get(name, request.GET.get(name, ""))
        for name in ("kind", "order", "amount", "currency", "why", "entity")
    }
    context = {
        "values": values, "problems": {}, "entities": list(Entity.objects.values_list("code", "name")),
        "kinds": [("WRITE_OFF", "Write off what is owed to us"), ("ADJUSTMENT", "Book a difference")],
    }  # fmt: skip
    if request.method != "POST":
        return htmx.render(request, "finance/enter.html", context)
    try:
        made = _enter(request, values)
    except Invalid as no:
        problems = {p.path: f"{LABELS.get(p.path, p.path.capitalize())} {p.message}" for p in no.problems}
        return htmx.render(request, "finance/enter.html", context | {"problems": problems}, status=422)
    except Refusal as no:
        return htmx.render(request, "finance/enter.html", context | {"problems": {"": no.message}}, status=422)
    htmx.toast(request, f"{made.reference} waits for somebody else's approval")
    return htmx.redirect(request, reverse("finance:posting", args=[made.pk]))


def _enter(request: HttpRequest, values: dict[str, str]) -> Posting:
    number = values["order"].strip().upper().replace("\0", "")
    order = Order.objects.for_user(request.user).filter(number=number).first() if number else None
    if number and order is None:
        raise Refusal("no_such_order", f"There is no order {number[:20]}.", status=422)
    entity = Entity.objects.filter(code=values["entity"][:20].replace("\0", "")).first()
    currency = (order.currency if order else values["currency"].strip().upper())[:3]
    problems = []
    if not currencies.is_known(currency):
        problems.append(Problem("currency", "unknown", "has to be three letters, such as GBP"))
    amount, wrong = amounts.read(values["amount"], currency, field="amount", name="", negative=True)
    if amount is None and not wrong:
        wrong = [Problem("amount", "missing", "has to be named")]
    if problems or wrong or amount is None:
        raise Invalid([*problems, *(replace(each, message=each.message.strip()) for each in wrong)], status=422)
    make = entering.write_off if values["kind"] == "WRITE_OFF" else entering.adjust
    return make(entity, amount, currency, why=values["why"], order=order, actor=actors.person(request.user))


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "")


def _done(request: HttpRequest, uid: int, said: str, act: Callable[..., Posting], **told: str) -> HttpResponse:
    found = find(request, uid)
    try:
        made = act(found.pk, version=typed.seen(request), actor=actors.person(request.user), **told)
    except Invalid as no:
        raise Refusal(
            "incomplete", f"{LABELS.get(no.problems[0].path, 'The form')} {no.problems[0].message}.", status=422
        ) from None
    htmx.toast(request, f"{found.reference} is {said}")
    return htmx.redirect(request, reverse("finance:posting", args=[made.pk]))
