"""Postings in everybody's approvals inbox: what waits with its preview, and the answer to one or to many."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from core import actors, formats, htmx
from core.errors import Invalid, Refusal
from finance import chart
from finance.models import ApprovalRule, Kind, Posting, Status
from finance.services import deciding, limits

SHOWN, AT_ONCE = 50, 200
DECIDED = {"approve": "approved", "decline": "declined"}
Act = Callable[..., Posting]
ACTS: dict[str, Act] = {"approve": deciding.approve, "decline": deciding.decline}


@require_safe
@permission_required("finance.view_posting", raise_exception=True)
def waiting(request: HttpRequest) -> HttpResponse:
    """GET /finance/postings/waiting?show=decided: the inbox's part about postings, loaded by URL name."""
    return htmx.part(request, "finance/_waiting.html", _context(request))


@require_POST
@permission_required("finance.approve_posting", raise_exception=True)
def decide(request: HttpRequest) -> HttpResponse:
    """POST /finance/postings/decide with `verb`, a `note` and ids as `<id>-<version>`: each by itself, and what was
    refused by name. One that isn't this person's to see makes the whole request a 404."""
    verb, note = request.POST.get("verb", ""), request.POST.get("note", "")
    if verb not in ACTS:
        raise Refusal("unknown_step", "There is no such step.", status=404)
    chosen = _chosen(request)
    references = dict(Posting.objects.for_user(request.user).filter(pk__in=chosen).values_list("pk", "reference"))
    if not chosen or len(references) != len(chosen):
        raise Refusal("not_found", "There is no such posting.", status=404)
    done, refused = 0, []
    for pk, version in chosen.items():
        try:
            ACTS[verb](pk, version=version, note=note, actor=actors.person(request.user))
            done += 1
        except Invalid as no:
            refused.append(f"{references[pk]}: the form {no.problems[0].message}.")
        except Refusal as no:
            refused.append(f"{references[pk]}: {no.message}")
    if done:
        htmx.toast(request, f"{formats.plural(done, 'posting')} {DECIDED[verb]}")
    context = _context(request) | {"refused": refused[:5], "more": len(refused) - 5, "note": note if refused else ""}
    return htmx.part(request, "finance/_waiting.html", context)


def _chosen(request: HttpRequest) -> dict[int, int]:
    chosen: dict[int, int] = {}
    for value in request.POST.getlist("id")[: AT_ONCE + 1]:
        pk, _, version = value.partition("-")
        if not (value.isascii() and pk.isdigit() and version.isdigit() and len(value) <= 28):
            raise Refusal("bad_version", "The form lacks a posting's version.", status=400)
        chosen[int(pk)] = int(version)
    if len(chosen) > AT_ONCE:
        raise Refusal("too_many", f"At most {AT_ONCE} postings are decided at once.", status=413)
    return chosen


def _context(request: HttpRequest) -> dict[str, Any]:
    person: Any = request.user
    decided = request.GET.get("show") == "decided"
    rows = Posting.objects.for_user(person).select_related("order__channel", "entity", "decided_by")
    if decided:
        rows = rows.filter(decided_by__isnull=False).order_by("-id")
    else:
        rows = rows.filter(status=Status.QUEUED).order_by("id")
    found = list(rows.prefetch_related("lines")[: SHOWN + 1])
    may = person.has_perm("finance.approve_posting")
    known: dict[tuple[str, str], Decimal | None] = {}
    for each in found:
        if may and (each.kind, each.currency) not in known:
            known[each.kind, each.currency] = limits.limit_of(person, each.kind, each.currency)
    return {
        "rows": [(each, _why_not(each, person, known, may=may)) for each in found[:SHOWN]],
        "total": min(len(found), SHOWN),
        "others": len(found) > SHOWN,
        "decided": decided,
        "may": may,
        "accounts": chart.ROLES,
        "held": limits.held_by(person) if may and not decided else [],
        "rules": [] if decided else [_said(each) for each in ApprovalRule.objects.all()],
    }


def _said(rule: ApprovalRule) -> str:
    kind = Kind(rule.kind).label if rule.kind in Kind.values else rule.kind
    return f"{kind} above {formats.money(rule.above, rule.currency) if rule.currency else f'{rule.above:,.2f}'}"


def _why_not(posting: Posting, person: Any, known: dict[tuple[str, str], Decimal | None], *, may: bool) -> str:
    """Why this person can't approve it; empty where they can."""
    if not may:
        return "You may not approve postings"
    if posting.entered_by_id == person.pk:
        return "You entered it: somebody else has to approve it"
    limit = known.get((posting.kind, posting.currency))
    if limit is not None and abs(posting.total) > limit:
        return f"Above your limit of {formats.money(limit, posting.currency)}"
    return ""
