"""Businesses that buy on terms: listed, made, changed with the effect shown first, and one with what it owes."""

from __future__ import annotations

import re
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, tabs, timeline, typed
from core.errors import Invalid, Problem, Refusal
from orders.account_filters import ORDER, AccountFilter
from orders.models import Account, Channel, Order
from orders.services import accounts as services
from orders.services import credit
from orders.services.accounts import Draft

SEE, CHANGE = "orders.view_account", "orders.change_account"
FIELDS = ("code", "name", "channel", "currency", "payment_terms", "credit_limit", "approval_above")
TICKS = ("requires_approval", "on_stop")
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
SHOWN = 25
VIEWS: tabs.Views = (
    ("All", {}),
    ("Waiting for credit", {"needs": "credit"}),
    ("Waiting for approval", {"needs": "approval"}),
    ("On stop", {"needs": "stop"}),
)


@require_safe
@permission_required(SEE, raise_exception=True)
def accounts(request: HttpRequest) -> HttpResponse:
    """GET /accounts/: filters and page in the address; the list alone when htmx asks."""
    rows = AccountFilter(request.GET, Account.objects.for_user(request.user)).found()
    page = htmx.keyset_page(rows.select_related("channel"), request, order=ORDER)
    owed = credit.exposures([account.pk for account in page.rows])
    context = {
        "page": page,
        "owed": owed,
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "channels": list(Channel.objects.values_list("code", "name")),
        "narrowed": any(request.GET.get(name) for name in AccountFilter.base_filters),
    }
    return htmx.render(request, "orders/accounts.html", context, fragment="orders/_accounts.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def account(request: HttpRequest, code: str) -> HttpResponse:
    """GET /accounts/<code>: its rules, what it owes, its latest orders that the person may see."""
    found = _find(request, code)
    mine = Order.objects.for_user(request.user).filter(account=found).select_related("channel")
    context = {
        "account": found,
        "owed": credit.exposures([found.pk])[found.pk],
        "orders": list(mine.order_by("-placed_at", "-pk").prefetch_related("holds")[:SHOWN]),
        "events": timeline.of(found.subject),
        "words": timeline.words,
    }
    return htmx.render(request, "orders/account.html", context, fragment="orders/_account.html")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /accounts/new: the form, or again (422) with what is wrong."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """GET, POST /accounts/<code>/edit: change it; 409 where somebody else did meanwhile."""
    return _form(request, _find(request, code))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def preview(request: HttpRequest, code: str) -> HttpResponse:
    """POST /accounts/<code>/preview: which waiting orders would go on under the form's rules. Changes nothing."""
    found = _find(request, code)
    context: dict[str, Any] = {"account": found, "outcomes": [], "problem": ""}
    try:
        draft = _draft(request)
        services.check(draft)
        context["outcomes"] = credit.what_if(found, asdict(draft))
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "orders/_account_preview.html", context)


def _form(request: HttpRequest, found: Account | None) -> HttpResponse:
    values, problems = _values(request, found), {}
    if request.method == "POST":
        try:
            saved = _save(request, found)
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        except Refusal as refusal:
            if refusal.code != "code_taken":
                raise
            problems = {"code": refusal.message}
        else:
            htmx.toast(request, f"{saved.name} is saved")
            return htmx.redirect(request, reverse("orders:account", args=[saved.code]))
    context = {
        "account": found,
        "values": values,
        "problems": problems,
        "channels": list(Channel.objects.values_list("code", "name")),
    }
    return htmx.render(
        request,
        "orders/account_edit.html",
        context,
        fragment="orders/_account_form.html",
        status=422 if problems else 200,
    )


def _save(request: HttpRequest, found: Account | None) -> Account:
    draft, actor = _draft(request), actors.person(request.user)
    if found is None:
        return services.make(request.POST.get("code", "").strip(), draft, actor=actor)
    version = typed.version(request)
    return services.change(found.pk, draft, actor=actor, version=version)


def _values(request: HttpRequest, found: Account | None) -> dict[str, Any]:
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in (*FIELDS, *TICKS)}
    if found is None:
        return dict.fromkeys((*FIELDS, *TICKS), "") | {"payment_terms": "NET30", "code": request.GET.get("code", "")}
    return {
        **{name: getattr(found, name) for name in ("code", "name", "currency", "payment_terms", *TICKS)},
        **{name: _plain(getattr(found, name)) for name in ("credit_limit", "approval_above")},
        "channel": found.channel.code if found.channel else "",
    }


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _draft(request: HttpRequest) -> Draft:
    """The form as a draft; Invalid (422) for what can't be read or isn't there."""
    problems: list[Problem] = []
    given = {name: request.POST.get(name, "").replace("\0", "").strip()[:200] for name in FIELDS}
    channel = Channel.objects.filter(code=given["channel"]).first() if given["channel"] else None
    if given["channel"] and channel is None:
        problems.append(Problem("channel", "unknown", "There is no such channel."))
    amounts: dict[str, Decimal | None] = {"credit_limit": None, "approval_above": None}
    for name in amounts:
        if given[name] and not AMOUNT.fullmatch(given[name]):
            problems.append(Problem(name, "number", "A plain amount, such as 5000 or 5000.00."))
        elif given[name]:
            amounts[name] = Decimal(given[name])
    if problems:
        raise Invalid(problems, status=422)
    return Draft(
        name=given["name"],
        currency=given["currency"].upper(),
        payment_terms=given["payment_terms"].upper(),
        channel_id=channel.pk if channel else None,
        requires_approval=bool(request.POST.get("requires_approval")),
        on_stop=bool(request.POST.get("on_stop")),
        credit_limit=amounts["credit_limit"],
        approval_above=amounts["approval_above"],
    )


def _find(request: HttpRequest, code: str) -> Account:
    return get_object_or_404(Account.objects.for_user(request.user).select_related("channel"), code=code)
