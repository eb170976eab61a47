"""Payouts: the list, the upload with its preview, and the workbench where a payout is explained."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, amounts, downloads, htmx, tabs, timeline
from core.errors import Invalid, Problem, Refusal
from core.formats import exponent, money
from exceptions.models import Case
from finance import bridge, canonical
from finance.canonical import Document
from finance.models import (
    MATCHED,
    LineKind,
    Match,
    MatchSide,
    MatchStatus,
    OpenLine,
    PayoutState,
    Settlement,
    SettlementFile,
    SettlementLine,
)
from finance.services import candidates, jobs, matches, settlements
from finance.settlement_filters import SettlementFilter

SEE, IMPORT, MATCH, WRITE_OFF = (
    "finance.view_settlement", "finance.import_settlement", "finance.match_settlement", "finance.write_off_settlement",
)  # fmt: skip
COLUMNS = (
    "id", "provider", "account", "ref", "currency", "state", "paid_on", "imported_at", "lines_count", "payout", "fees",
    "residual", "banked", "matched_at", "stated",
)  # fmt: skip
LINES = (
    "id", "position", "row", "label", "kind", "ref", "payment_ref", "refund_ref", "order_ref", "shipment_ref", "sku",
    "method", "note", "at", "gross", "fee", "net", "matched", "written_off", "taken", "presentment_amount",
    "presentment_currency",
)  # fmt: skip
EXPORTED = (
    ("Row", "row"), ("Label", "label"), ("Kind", "kind"), ("When", "at"), ("Order", "order_ref"),
    ("Payment", "payment_ref"), ("Refund", "refund_ref"), ("Shipment", "shipment_ref"), ("SKU", "sku"),
    ("Method", "method"), ("Gross", "gross"), ("Fee", "fee"), ("Net", "net"), ("Matched", "matched"),
    ("Written off", "written_off"),
)  # fmt: skip
VIEWS: tabs.Views = (
    ("All", {}),
    ("Not explained", {"open": "true"}),
    ("Not at the bank", {"unbanked": "true"}),
    ("Not proven", {"unproven": "true"}),
    ("Pending", {"state": "pending"}),
)
TERMS = ("account", "decimal", "dates", "time_zone", "currency", "encoding", "stated")
MANY = 5_000  # lines from which matching is a job


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/settlements/: filters and page in the address; the list alone when htmx asks."""
    rows = SettlementFilter(request.GET, Settlement.objects.for_user(request.user)).found()
    context = {
        "page": htmx.keyset_page(rows.values(*COLUMNS), request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "views": tabs.of(request, VIEWS),
        "providers": _titles(),
        "states": PayoutState.choices,
        "narrowed": any(request.GET.get(name) for name in SettlementFilter.base_filters),
        "may_import": request.user.has_perm(IMPORT),
    }
    return htmx.render(request, "finance/settlements.html", context, fragment="finance/_settlements.html")


def _titles() -> list[tuple[str, str]]:
    return [(reader.code, reader.title) for reader in canonical.readers()]


# --- Files ---------------------------------------------------------------------------------------------------------


@permission_required(IMPORT, raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """GET /finance/settlements/new: the form. POST: keep the file and show what it says; nothing is imported yet."""
    if request.method == "GET":
        return htmx.render(request, "finance/settlement_new.html", _form(request, {}))
    try:
        file = request.FILES.get("file")
        if file is None or not file.name:
            raise Invalid([Problem("file", "required", "Choose a file.")], status=422)
        if file.size is None or file.size > settlements.MOST_BYTES:
            raise Refusal("too_large", "The file is too large.", status=413)
        kept = settlements.keep(
            request.POST.get("provider", ""), file.name, file.read(), terms=_terms(request),
            actor=actors.person(request.user),
        )  # fmt: skip
    except Refusal as refusal:
        problems = (
            {p.path: p.message for p in refusal.problems} if isinstance(refusal, Invalid) else {"": refusal.message}
        )
        return htmx.render(request, "finance/settlement_new.html", _form(request, problems), status=refusal.status)
    return htmx.redirect(request, reverse("finance:settlement_file", args=[kept.pk]))


def _form(request: HttpRequest, problems: dict[str, str]) -> dict[str, Any]:
    typed = _terms(request)
    return {
        "problems": problems, "readers": canonical.readers(), "providers": _titles(), "terms": typed,
        "columns": typed["columns"], "provider": request.POST.get("provider", ""),
    }  # fmt: skip


def _terms(request: HttpRequest) -> dict[str, Any]:
    return {name: request.POST.get(name, "") for name in (*TERMS, "columns")}


@require_safe
@permission_required(SEE, raise_exception=True)
def file(request: HttpRequest, uid: UUID) -> HttpResponse:
    """GET /finance/settlements/files/<id>: what a file says, what is wrong with it, and how it is read."""
    return htmx.render(request, "finance/settlement_file.html", _of_file(request, _file(request, uid)))


def _file(request: HttpRequest, uid: UUID) -> SettlementFile:
    found: SettlementFile = get_object_or_404(SettlementFile.objects.for_user(request.user), pk=uid)
    return found


def _of_file(request: HttpRequest, found: SettlementFile) -> dict[str, Any]:
    document = settlements.read(found) if found.status != "IMPORTED" else Document(found.provider)
    reader = canonical.reader(found.provider)
    faults = [*document.faults, *(fault for payout in document.payouts for fault in payout.faults)]
    return {
        "file": found, "document": document, "reader": reader, "terms": found.terms,
        "faults": [fault.as_json() for fault in dict.fromkeys(faults)] or found.faults,
        "payouts": [_summary(payout) for payout in document.payouts[:50]],
        "settlements": list(found.settlements.values(*COLUMNS)[:50]),
        "columns": "\n".join(f"{name}={title}" for name, title in (found.terms.get("columns") or {}).items()),
        "may": request.user.has_perm(IMPORT), "problems": {},
    }  # fmt: skip


def _summary(payout: canonical.Payout) -> dict[str, Any]:
    net = sum((line.net for line in payout.lines), Decimal(0))
    return {
        "ref": payout.ref, "currency": payout.currency, "lines": len(payout.lines), "paid_on": payout.paid_on,
        "net": net, "fees": sum((line.fee for line in payout.lines), Decimal(0)),
        "stated": payout.amount, "carried": payout.carried, "state": PayoutState(payout.state).label,
        "agrees": payout.amount is None or net == payout.amount + payout.carried,
    }  # fmt: skip


@require_POST
@permission_required(IMPORT, raise_exception=True)
def arrange(request: HttpRequest, uid: UUID) -> HttpResponse:
    """POST …/terms: how the file is written, and what it says read that way."""
    found = _file(request, uid)
    content = bytes(found.content)
    typed, actor = _terms(request), actors.person(request.user)
    try:
        settlements.keep(found.provider, found.name, content, terms=typed, actor=actor)
    except Invalid as no:
        shown = _of_file(request, found) | {"terms": typed, "columns": typed["columns"]}
        problems = {problem.path: problem.message for problem in no.problems}
        return htmx.render(request, "finance/settlement_file.html", shown | {"problems": problems}, status=422)
    return htmx.redirect(request, reverse("finance:settlement_file", args=[found.pk]))


@require_POST
@permission_required(IMPORT, raise_exception=True)
def take(request: HttpRequest, uid: UUID) -> HttpResponse:
    """POST …/import: write its payouts, and match them."""
    actor = actors.person(request.user)
    done = settlements.take(_file(request, uid), actor=actor)
    for pk in done.settlements:
        _match(pk, request)
    if len(done.settlements) == 1:
        return htmx.redirect(request, reverse("finance:settlement", args=[done.settlements[0]]))
    return htmx.redirect(request, reverse("finance:settlement_file", args=[done.file_id]))


@require_POST
@permission_required(IMPORT, raise_exception=True)
def discard(request: HttpRequest, uid: UUID) -> HttpResponse:
    """POST …/discard: it isn't needed; its bytes stay."""
    found = _file(request, uid)
    settlements.discard(found.pk, actor=actors.person(request.user))
    htmx.toast(request, f"{found.name} is discarded")
    return htmx.redirect(request, reverse("finance:settlements"))


# --- One payout ----------------------------------------------------------------------------------------------------


@require_safe
@permission_required(SEE, raise_exception=True)
def settlement(request: HttpRequest, uid: int) -> HttpResponse:
    """GET /finance/settlements/<id>: the bridge, the lines (`show`: open, all), suggestions, bank lines, timeline."""
    found = _find(request, uid)
    if htmx.partial(request) and htmx.target(request) == "list":
        return htmx.part(request, "finance/_settlement_lines.html", _lines(request, found))
    return htmx.render(request, "finance/settlement.html", _context(request, found) | _lines(request, found))


def _find(request: HttpRequest, uid: int) -> Settlement:
    rows = Settlement.objects.for_user(request.user).select_related("file").defer("file__content")
    found: Settlement = get_object_or_404(rows, pk=uid)
    return found


def _lines(request: HttpRequest, found: Settlement) -> dict[str, Any]:
    rows = SettlementLine.objects.filter(settlement=found)
    open_ = rows.filter(pk__in=OpenLine.objects.filter(settlement=found).values("pk"))
    show = request.GET.get("show", "")
    shown = {"open": open_, "": open_ if found.residual else rows}.get(show, rows)
    words = request.GET.get("q", "").replace("\0", "").strip()[:120]
    if words:
        shown = shown.filter(
            Q(order_ref__in=(words, f"#{words}")) | Q(payment_ref=words) | Q(refund_ref=words) | Q(label=words)
        )
    views = (
        ("Open", {} if found.residual else {"show": "open"}),
        ("All lines", {"show": "all"} if found.residual else {}),
    )
    return {
        "settlement": found, "page": htmx.keyset_page(shown.values(*LINES), request, order=("position",)),
        "total": htmx.capped_count(shown), "views": tabs.of(request, views), "kinds": dict(LineKind.choices),
        "matchable": set(map(str, MATCHED)), "may_match": request.user.has_perm(MATCH), "words": words, "show": show,
    }  # fmt: skip


def _context(request: HttpRequest, found: Settlement) -> dict[str, Any]:
    whole, every = matches.matched_share(found)
    cases = Case.objects.filter(subject_kind="settlement", subject_uid=str(found.pk), is_open=True).order_by("pk")
    return {
        "steps": bridge.of(found), "whole": whole, "every": every,
        "suggestions": _matches(found, MatchStatus.SUGGESTED, 20),
        "by_person": _matches(found, MatchStatus.CONFIRMED, 20, key="person"),
        "bank_lines": list(found.bank_lines.order_by("booked_on", "pk")[:20]),
        "cases": list(cases.values("id", "title", "summary")[:20]),
        "events": timeline.of(found.subject), "words_of": timeline.words,
        "may_write_off": request.user.has_perm(WRITE_OFF), "reader": canonical.reader(found.provider),
        "job": jobs.of(found.pk),
    }  # fmt: skip


def _of_line(one: SettlementLine) -> list[int]:
    """A line has a few; the payout may have a million, which must not be looked through for them."""
    return list(MatchSide.objects.filter(line=one).values_list("match_id", flat=True)[:200])


def _matches(found: Settlement, status: str, most: int, **more: Any) -> list[dict[str, Any]]:
    rows = list(Match.objects.filter(settlement=found, status=status, **more).order_by("-id")[:most])
    sides = MatchSide.objects.filter(match__in=rows).select_related("line", "payment", "charge", "order")
    by_match: dict[int, list[MatchSide]] = {}
    for side in sides.order_by("pk"):
        by_match.setdefault(side.match_id, []).append(side)
    return [{"match": row, "sides": by_match.get(row.pk, [])[:10]} for row in rows]


@require_safe
@permission_required(SEE, raise_exception=True)
def export(request: HttpRequest, uid: int) -> HttpResponseBase:
    """GET …/lines.csv: every line of the payout, harmless to open in a spreadsheet."""
    found = _find(request, uid)
    rows = SettlementLine.objects.filter(settlement=found).order_by("position")
    wanted = rows.values_list(*[column for _, column in EXPORTED])[: downloads.MOST]
    return downloads.csv_file(f"payout-{found.pk}", [title for title, _ in EXPORTED], wanted)


@require_safe
@permission_required(MATCH, raise_exception=True)
def line(request: HttpRequest, uid: int, line_id: int) -> HttpResponse:
    """GET …/lines/<line>?q=: what of the books the line may be, to pair it with."""
    found = _find(request, uid)
    one = get_object_or_404(SettlementLine, pk=line_id, settlement=found)
    words = request.GET.get("q", "").replace("\0", "").strip()[:120]
    context = {
        "settlement": found, "line": one, "words": words, "left": one.gross - one.taken,
        "left_text": f"{one.gross - one.taken:.{exponent(found.currency)}f}",
        "entries": candidates.near(found, one, request.user, words),
        "matches": _matches(found, MatchStatus.CONFIRMED, 50, pk__in=_of_line(one)),
        "may_match": request.user.has_perm(MATCH), "may_write_off": request.user.has_perm(WRITE_OFF),
        "kinds": dict(LineKind.choices),
    }  # fmt: skip
    return htmx.render(request, "finance/settlement_line.html", context)


@require_POST
@permission_required(MATCH, raise_exception=True)
def pair(request: HttpRequest, uid: int, line_id: int) -> HttpResponse:
    """POST …/lines/<line>/pair with `payment` and `charge` ids: these are that line; more than one splits it."""
    found = _find(request, uid)
    one = get_object_or_404(SettlementLine, pk=line_id, settlement=found)
    mine = candidates.near(found, one, request.user, request.POST.get("q", "").strip()[:120])
    payments, charges = (_ids(request, name) for name in ("payment", "charge"))
    seen = {("payment", each["payment"]) for each in mine} | {("charge", each["charge"]) for each in mine}
    if not {("payment", n) for n in payments} | {("charge", n) for n in charges} <= seen:
        raise Http404("There is no such entry.")
    matches.pair([one.pk], payments=payments, charges=charges, actor=actors.person(request.user))
    htmx.toast(request, f"Row {one.row} is matched")
    return _back(request, found)


def _ids(request: HttpRequest, name: str) -> list[int]:
    given = request.POST.getlist(name)[:20]
    if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in given):
        raise Invalid([Problem(name, "number", "Choose entries from the list.")], status=422)
    return [int(each) for each in given]


@require_POST
@permission_required(WRITE_OFF, raise_exception=True)
def write_off(request: HttpRequest, uid: int, line_id: int) -> HttpResponse:
    """POST …/lines/<line>/write-off with `amount` and `why`, within the limit; 422 the form with what is wrong."""
    found = _find(request, uid)
    one = get_object_or_404(SettlementLine, pk=line_id, settlement=found)
    typed, why = request.POST.get("amount", ""), request.POST.get("why", "").replace("\0", "")
    amount, problems = amounts.read(typed, found.currency, field="amount", negative=True)
    try:
        if amount is None:
            raise Invalid(problems or [Problem("amount", "missing", "Say how much is written off.")], status=422)
        matches.write_off(one.pk, amount, why=why, actor=actors.person(request.user))
    except (Invalid, Refusal) as no:
        wrong = {p.path: p.message for p in no.problems} if isinstance(no, Invalid) else {"": no.message}
        context = {"settlement": found, "line": one, "problems": wrong, "amount": typed, "why": why}
        return htmx.part(request, "finance/_write_off.html", context, status=422)
    htmx.toast(request, f"{money(amount, found.currency)} of row {one.row} is written off")
    return _back(request, found)


@require_POST
@permission_required(MATCH, raise_exception=True)
def decide(request: HttpRequest, uid: int, match_id: int, verb: str) -> HttpResponse:
    """POST …/matches/<match>/confirm | decline | undo."""
    found = _find(request, uid)
    get_object_or_404(Match, pk=match_id, settlement=found)
    actor = actors.person(request.user)
    {"confirm": matches.confirm, "decline": matches.decline, "undo": matches.undo}[verb](match_id, actor=actor)
    words = {"confirm": "The match is confirmed", "decline": "The suggestion is gone", "undo": "The match is undone"}
    htmx.toast(request, words[verb])
    return _back(request, found)


@require_POST
@permission_required(MATCH, raise_exception=True)
def rematch(request: HttpRequest, uid: int) -> HttpResponse:
    """POST …/match: look for matches again; a large payout by a job."""
    found = _find(request, uid)
    _match(found.pk, request)
    return _back(request, found)


def _match(pk: int, request: HttpRequest) -> None:
    actor = actors.person(request.user)
    if Settlement.objects.values_list("lines_count", flat=True).get(pk=pk) > MANY:
        jobs.start(pk, actor=actor)
    else:
        matches.match(pk, actor=actor)


def _back(request: HttpRequest, found: Settlement) -> HttpResponse:
    return htmx.redirect(request, reverse("finance:settlement", args=[found.pk]))
