"""What waits for a second person: the inbox, one request with the preview it was asked with, and the answers to it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from core.errors import Refusal
from exceptions.models import ApprovalRequest, ApprovalStatus
from exceptions.services import approvals

SEE = "exceptions.view_case"


@require_safe
@permission_required(SEE, raise_exception=True)
def inbox(request: HttpRequest) -> HttpResponse:
    """GET /approvals/?show=decided: what waits, oldest first; or what was decided, newest first.

    What waits on higher floors (postings) loads itself into the page by its URL name.
    """
    rows = ApprovalRequest.objects.for_user(request.user).select_related("case", "asked_by", "decided_by")
    decided = request.GET.get("show") == "decided"
    if decided:
        rows = rows.exclude(status=ApprovalStatus.WAITING)
    else:
        rows = rows.filter(status=ApprovalStatus.WAITING, expires_at__gt=timezone.now())
    context = {
        "page": htmx.keyset_page(rows, request, order=("-id",) if decided else ("id",)),
        "total": htmx.capped_count(rows),
        "decided": decided,
    }
    return htmx.render(request, "exceptions/approvals.html", context, fragment="exceptions/_approvals.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def one(request: HttpRequest, request_id: int) -> HttpResponse:
    """GET /exceptions/approvals/<id>: what is asked, by whom, why, and what it would change."""
    return htmx.render(request, "exceptions/approval.html", _context(request, request_id))


@require_POST
@permission_required(SEE, raise_exception=True)
def decide(request: HttpRequest, request_id: int, verb: str) -> HttpResponse:
    """POST /exceptions/approvals/<id>/(approve|decline|withdraw): the request as it is then, or why not."""
    found = _find(request, request_id)
    actor, note = actors.person(request.user), request.POST.get("note", "")
    try:
        if verb == "approve":
            said = approvals.approve(found.pk, actor=actor, note=note.replace("\0", "")[:1000]).said
        elif verb == "decline":
            approvals.decline(found.pk, note=note, actor=actor)
            said = "Declined"
        elif verb == "withdraw":
            approvals.withdraw(found.pk, actor=actor)
            said = "Withdrawn"
        else:
            raise Refusal("unknown_step", "There is no such step.", status=404)
    except Refusal as refusal:
        if not htmx.asked(request) or refusal.status == 404:
            raise
        context = _context(request, request_id) | {"refusal": refusal, "note": note}
        names = ["components/_notice.html", "exceptions/_approval.html"]
        return htmx.part(request, names, context, status=refusal.status)
    htmx.toast(request, said)
    return htmx.redirect(request, reverse("exceptions:approval", args=[found.pk]))


def _find(request: HttpRequest, request_id: int) -> ApprovalRequest:
    rows = ApprovalRequest.objects.for_user(request.user).select_related("case", "asked_by", "decided_by", "run")
    found = rows.filter(pk=request_id).first()
    if found is None:
        raise Refusal("no_such_request", "There is no such request.", status=404)
    return found


def _context(request: HttpRequest, request_id: int) -> dict[str, Any]:
    user: Any = request.user
    found = _find(request, request_id)
    mine = found.asked_by_id == user.pk
    waits = found.status == ApprovalStatus.WAITING
    return {
        "approval": found,
        "case": found.case,
        "mine": mine,
        "expired": waits and found.expires_at <= timezone.now(),
        "may_decide": waits and not mine and user.has_perm(found.permission),
        "may_withdraw": waits and mine,
        "note": "",
    }
