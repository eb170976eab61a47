"""Bank statements and the payouts their lines are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, tabs
from core.errors import Invalid, Problem, Refusal
from finance.models import BankLine, BankStatement, Settlement
from finance.services import banking
from finance.settlement_filters import BankLineFilter

SEE, IMPORT, MATCH = "finance.view_bankstatement", "finance.import_settlement", "finance.match_settlement"
COLUMNS = (
    "id", "booked_on", "amount", "currency", "original_amount", "original_currency", "text", "counterparty", "ref",
    "status", "settlement_id", "settlement__ref", "settlement__provider", "settlement__payout", "statement_id",
    "statement__name", "evidence",
)  # fmt: skip
VIEWS: tabs.Views = (("All", {}), ("No payout", {"status": "none"}), ("Suggested", {"status": "SUGGESTED"}),
                     ("Matched", {"status": "CONFIRMED"}))  # fmt: skip


TERMS = ("decimal", "dates", "currency", "account", "encoding", "columns")


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/bank/: bank lines, newest first, with the payouts they are; and the form for a statement."""
    return htmx.render(request, "finance/bank.html", _context(request, {}), fragment="finance/_bank.html")


def _context(request: HttpRequest, problems: dict[str, str], statement: BankStatement | None = None) -> dict[str, Any]:
    rows: Any = BankLine.objects.for_user(request.user)
    if statement is not None:
        rows = rows.filter(statement=statement)
    rows = BankLineFilter(request.GET, rows).found()
    return {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-booked_on", "-id")),
        "total": htmx.capped_count(rows), "views": tabs.of(request, VIEWS), "problems": problems,
        "typed": {name: request.POST.get(name, "") for name in (*TERMS, "form")},
        "may_import": request.user.has_perm(IMPORT), "may_match": request.user.has_perm(MATCH),
        "statement": statement, "narrowed": any(request.GET.get(name) for name in BankLineFilter.base_filters),
    }  # fmt: skip


@require_safe
@permission_required(SEE, raise_exception=True)
def statement(request: HttpRequest, uid: int) -> HttpResponse:
    """GET /finance/bank/statements/<id>: one statement's lines and its balances."""
    rows = BankStatement.objects.for_user(request.user).defer("content")
    found = get_object_or_404(rows, pk=uid)
    return htmx.render(request, "finance/bank.html", _context(request, {}, found), fragment="finance/_bank.html")


@require_POST
@permission_required(IMPORT, raise_exception=True)
def preview(request: HttpRequest) -> HttpResponse:
    """POST /finance/bank/preview: what a statement says; nothing is kept."""
    try:
        name, content, terms = _given(request)
        found = banking.read(content, form=request.POST.get("form", ""), terms=terms)
    except Refusal as refusal:
        problems = (
            {p.path: p.message for p in refusal.problems} if isinstance(refusal, Invalid) else {"": refusal.message}
        )
        return htmx.render(request, "finance/bank.html", _context(request, problems), status=refusal.status)
    if request.POST.get("take"):
        kept = banking.import_(
            name, content, form=request.POST.get("form", ""), terms=terms, actor=actors.person(request.user)
        )
        return htmx.redirect(request, reverse("finance:bank_statement", args=[kept[0].pk]))
    shown = [
        {
            "statement": each, "lines": len(each.entries),
            "came": sum((entry.amount for entry in each.entries if entry.amount > 0), Decimal(0)),
        }
        for each in found
    ]  # fmt: skip
    return htmx.render(request, "finance/bank_preview.html", {"name": name, "found": shown})


def _given(request: HttpRequest) -> tuple[str, bytes, dict[str, Any]]:
    file = request.FILES.get("file")
    if file is None or not file.name:
        raise Invalid([Problem("file", "required", "Choose a file.")], status=422)
    if file.size is None or file.size > banking.MOST:
        raise Refusal("too_large", "At most 16 MB.", status=413)
    return file.name, file.read(), {name: request.POST.get(name, "") for name in TERMS}


@require_POST
@permission_required(MATCH, raise_exception=True)
def attach(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/bank/lines/<id>/attach with `ref`, a payout's number: the line is that payout."""
    line = get_object_or_404(BankLine.objects.for_user(request.user), pk=uid)
    words = request.POST.get("ref", "").replace("\0", "").strip()[:120]
    named = list(Settlement.objects.for_user(request.user).filter(ref=words).order_by("pk")[:20])
    # A number may be a payout's of each currency; the bank may have turned it into the account's own.
    found = [each for each in named if line.worth(each.currency) is not None] or named
    if len(found) != 1:
        said = f"{len(found)} payouts have" if found else "No payout has"
        raise Refusal("unknown_payout", f"{said} the number {words!r}.", status=422)
    banking.attach(line.pk, found[0].pk, actor=actors.person(request.user))
    htmx.toast(request, f"The line is payout {found[0].ref}")
    return htmx.redirect(request, reverse("finance:bank"))


@require_POST
@permission_required(MATCH, raise_exception=True)
def detach(request: HttpRequest, uid: int) -> HttpResponse:
    """POST /finance/bank/lines/<id>/detach: it is no payout's any more."""
    line = get_object_or_404(BankLine.objects.for_user(request.user), pk=uid)
    banking.detach(line.pk, actor=actors.person(request.user))
    htmx.toast(request, "The line is no payout’s any more")
    return htmx.redirect(request, reverse("finance:bank"))
