"""A period's close: the checklist, the rows behind each line, the figures, the evidence, and the lock."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, subjects, timeline, typed
from core.errors import Invalid, Refusal
from core.models import User
from core.subjects import Subject
from finance import chart, closing
from finance.models import ChargeKind, Entity, EvidencePack, Period
from finance.services import closes, entities, evidence

SEE = "finance.view_period"
PAGE = 50
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@permission_required(SEE, raise_exception=True)
def listed(request: HttpRequest) -> HttpResponse:
    """GET /finance/close/: every period of every entity, newest first."""
    entity = entities.main()
    closes.ensure(entity, entities.local_day(entity, timezone.now()))
    rows = Period.objects.select_related("entity", "locked_by", "prepared_by")
    context = {
        "page": htmx.keyset_page(rows, request, order=("-starts_on", "-id")),
        "total": htmx.capped_count(rows),
    }
    return htmx.render(request, "finance/periods.html", context, fragment="finance/_periods.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def period(request: HttpRequest, code: str) -> HttpResponse:
    """GET /finance/close/<period>?entity=: what still blocks it, who owns each line, its figures and its evidence."""
    context = _context(request, _find(request, code))
    return htmx.render(request, "finance/close.html", context, fragment="finance/_close.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def rows(request: HttpRequest, code: str, check: str) -> HttpResponse:
    """GET /finance/close/<period>/rows/<check or figure>: the rows behind a line, oldest key first."""
    found = _find(request, code)
    title, sql = _behind(check)
    after = typed.whole(request.GET.get("after", "0"), 18)
    if after is None:
        raise Refusal("bad_cursor", "This page can't be found again.", status=400)
    shown = closes.page(found, sql, after=after, size=PAGE + 1)
    context = {
        "period": found, "title": title, "check": check, "rows": [_linked(row) for row in shown[:PAGE]],
        "next": shown[PAGE - 1]["key"] if len(shown) > PAGE else None, "first": after == 0,
        "line": next((line for line in closes.checklist(found) if line.check.code == check), None),
        "may_excuse": request.user.has_perm("finance.lock_period"),
    }  # fmt: skip
    return htmx.render(request, "finance/close_rows.html", context, fragment="finance/_close_rows.html")


@require_POST
@permission_required("finance.prepare_close", raise_exception=True)
def assign(request: HttpRequest, code: str, check: str) -> HttpResponse:
    """POST …/assign with `owner`, a person's id or nothing."""
    found = _find(request, code)
    given = request.POST.get("owner", "")
    closes.assign(found.pk, check, owner_id=_number(given) if given else None, actor=actors.person(request.user))
    return _back(request, found, "The owner is noted")


@require_POST
@permission_required("finance.lock_period", raise_exception=True)
def excuse(request: HttpRequest, code: str, check: str) -> HttpResponse:
    """POST …/excuse with `note` and how many rows were `expected`."""
    found = _find(request, code)
    try:
        closes.excuse(
            found.pk, check, note=request.POST.get("note", ""), expected=_number(request.POST.get("expected", "")),
            actor=actors.person(request.user),
        )  # fmt: skip
    except Invalid as no:
        raise Refusal("needs_a_reason", no.problems[0].message.capitalize() + ".", status=422) from None
    return _back(request, found, "The line is excused")


@require_POST
@permission_required("finance.prepare_close", raise_exception=True)
def prepare(request: HttpRequest, code: str) -> HttpResponse:
    """POST …/prepare with the version `v`: the checklist is clear, says this person."""
    found = _find(request, code)
    closes.prepare(found.pk, version=_number(request.POST.get("v", "")), actor=actors.person(request.user))
    return _back(request, found, "Prepared: somebody else may lock it now")


@require_POST
@permission_required("finance.lock_period", raise_exception=True)
def lock(request: HttpRequest, code: str) -> HttpResponse:
    """POST …/lock with the version `v`."""
    found = _find(request, code)
    closes.lock(
        found.pk, version=_number(request.POST.get("v", "")), note=request.POST.get("note", ""),
        actor=actors.person(request.user),
    )  # fmt: skip
    return _back(request, found, f"{found.code} is locked")


@require_POST
@permission_required("finance.lock_period", raise_exception=True)
def reopen(request: HttpRequest, code: str) -> HttpResponse:
    """POST …/reopen with the version `v` and a `note`."""
    found = _find(request, code)
    try:
        closes.reopen(
            found.pk, version=_number(request.POST.get("v", "")), note=request.POST.get("note", ""),
            actor=actors.person(request.user),
        )  # fmt: skip
    except Invalid as no:
        raise Refusal("needs_a_reason", no.problems[0].message.capitalize() + ".", status=422) from None
    return _back(request, found, f"{found.code} is open again")


@require_POST
@permission_required("finance.prepare_close", raise_exception=True)
def ask_evidence(request: HttpRequest, code: str) -> HttpResponse:
    """POST …/evidence: have the workbook made; its job says how far it is."""
    found = _find(request, code)
    evidence.ask(found.pk, actor=actors.person(request.user))
    return _back(request, found, "The evidence pack is being made")


@require_safe
@permission_required(SEE, raise_exception=True)
def pack(request: HttpRequest, pack_id: int) -> HttpResponse:
    """GET /finance/evidence/<id>: the workbook."""
    found = get_object_or_404(EvidencePack.objects.exclude(size=0), pk=pack_id)
    response = HttpResponse(bytes(found.content), content_type=SHEET)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _find(request: HttpRequest, code: str) -> Period:
    wanted = request.GET.get("entity") or request.POST.get("entity") or entities.main().code
    if len(wanted) > 20 or "\0" in wanted:
        raise Refusal("no_such_entity", "There are no such books.", status=404)
    entity = get_object_or_404(Entity, code=wanted)
    periods = Period.objects.select_related("entity", "prepared_by", "locked_by")
    found: Period = get_object_or_404(periods, entity=entity, code=code)
    return found


def _back(request: HttpRequest, found: Period, said: str) -> HttpResponse:
    htmx.toast(request, said)
    where = reverse("finance:close", args=[found.code])
    return htmx.redirect(request, f"{where}?entity={found.entity.code}")


def _number(given: str) -> int:
    found = typed.whole(given)
    if found is None:
        raise Refusal("bad_number", "The form lacks a number.", status=400)
    return found


def _behind(check: str) -> tuple[str, str]:
    """A line of the checklist, or `role:sales` and `charge:tax`: a figure."""
    if check in closing.BY_CODE:
        found = closing.BY_CODE[check]
        return found.title, found.sql
    of, _, role = check.partition(":")
    names = chart.ROLES if of == "role" else dict(ChargeKind.choices) if of == "charge" else {}
    if role not in names:
        raise Refusal("unknown_check", "There is no such line.", status=404)
    sql = closing.LINES if of == "role" else closing.CHARGES
    # The role is one of ours, looked up a line above.
    return names[role], f"SELECT * FROM ({sql}) AS of_role WHERE role = '{role}'"  # noqa: S608


def _linked(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "url": subjects.url(Subject(row["kind"], row["uid"], row["label"] or ""))}


def _people() -> list[User]:
    found = User.objects.filter(is_active=True, groups__permissions__codename="prepare_close")
    return list(found.distinct().order_by("pk")[:100])


def _context(request: HttpRequest, found: Period) -> dict[str, Any]:
    lines = closes.checklist(found)
    user: Any = request.user
    blocking = [line for line in lines if line.blocking]
    over = found.ends_on < entities.local_day(found.entity, timezone.now())
    return {
        "period": found, "lines": lines, "blocking": blocking, "over": over, "figures": closes.figures(found),
        "roles": chart.ROLES | dict(ChargeKind.choices),
        "packs": list(found.packs.select_related("job", "made_by").defer("content")[:5]),
        "events": timeline.of(found.subject), "words": timeline.words,
        "people": [(person.pk, person.get_full_name() or person.email) for person in _people()],
        "may_prepare": user.has_perm("finance.prepare_close"), "may_lock": user.has_perm("finance.lock_period"),
        "mine": found.prepared_by_id == user.pk,
    }  # fmt: skip
