"""The log of everything that was done about cases: who, what, before, after; and taking it back."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx
from core.errors import Refusal
from core.models import User
from exceptions import reasons
from exceptions.filters import RunFilter
from exceptions.models import ActionRun
from exceptions.services import undoing

SEE = "exceptions.view_case"


@require_safe
@permission_required(SEE, raise_exception=True)
def log(request: HttpRequest) -> HttpResponse:
    """GET /exceptions/runs/?reason=&action=&ok=&case=: every run, newest first."""
    found = RunFilter(request.GET, ActionRun.objects.for_user(request.user).select_related("case", "approver"))
    rows = found.qs if found.is_valid() else ActionRun.objects.none()
    context = {
        "page": htmx.keyset_page(rows, request, order=("-id",)),
        "total": htmx.capped_count(rows),
        "filter": found.form.data,
        "reasons": [(each.code, each.title) for each in reasons.every() if each.actions],
    }
    return htmx.render(request, "exceptions/runs.html", context, fragment="exceptions/_runs.html")


@require_safe
@permission_required(SEE, raise_exception=True)
def one(request: HttpRequest, run_id: int) -> HttpResponse:
    """GET /exceptions/runs/<id>: one run with what was true before and after, and what it changed."""
    run = find(request, run_id)
    context = {
        "run": run,
        "case": run.case,
        "undone": ActionRun.objects.filter(undoes=run).first(),
        "why_not": undoing.why_not(run),
        "may": _may_undo(request, run),
    }
    return htmx.render(request, "exceptions/run.html", context)


@require_POST
@permission_required("exceptions.work_case", raise_exception=True)
def undo(request: HttpRequest, run_id: int) -> HttpResponse:
    """POST /exceptions/runs/<id>/undo: a compensating run; 410 when too late, 409 when it was taken back already."""
    run = find(request, run_id)
    if not _may_undo(request, run):
        raise Refusal("may_not", f"You may not do that: {run.title}.", status=403)
    made = undoing.undo(run.pk, actor=actors.person(request.user))
    htmx.toast(request, made.said)
    return htmx.redirect(request, reverse("exceptions:detail", args=[run.case_id]))


def find(request: HttpRequest, run_id: int) -> ActionRun:
    rows = ActionRun.objects.for_user(request.user).select_related("case", "approver", "undoes", "playbook__rulebook")
    found = rows.filter(pk=run_id).first()
    if found is None:
        raise Refusal("no_such_run", "There is no such run.", status=404)
    return found


def _may_undo(request: HttpRequest, run: ActionRun) -> bool:
    user = request.user
    reason = reasons.find(run.reason)
    action = next((each for each in reason.actions if each.code == run.action), None) if reason else None
    return action is not None and isinstance(user, User) and user.has_perm(action.permission)
