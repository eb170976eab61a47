"""Playbooks and approval rules: their versions, how each is worded, and what it would have done last week."""

from __future__ import annotations

import difflib
import json
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, jobs, typed
from core.errors import Invalid, Refusal
from exceptions import playbook, reasons, tasks
from exceptions.models import Rulebook, RulebookKind, RulebookVersion, RuleStatus
from exceptions.services import rulebooks, whatif
from exceptions.views import rulebook_form

SEE, CHANGE, LAUNCH = "exceptions.view_rulebook", "exceptions.change_rulebook", "exceptions.launch_rulebook"
MOVES = {"live": rulebooks.go_live, "retire": rulebooks.retire}


@require_safe
@permission_required(SEE, raise_exception=True)
def books(request: HttpRequest) -> HttpResponse:
    """GET /ops/playbooks/: every reason with actions and the playbook it has, and the approval rules."""
    live = {
        version.rulebook.code: version
        for version in RulebookVersion.objects.filter(status=RuleStatus.LIVE).select_related("rulebook")
    }
    drafts = set(RulebookVersion.objects.filter(status=RuleStatus.DRAFT).values_list("rulebook__code", flat=True))
    rows = [
        {"code": each.code, "title": each.title, "team": reasons.team(each.queue).title, "actions": len(each.actions)}
        for each in reasons.every()
        if any(action.run for action in each.actions)
    ]
    context = {"rows": rows, "live": live, "drafts": drafts, "approvals": rulebooks.APPROVALS}
    return htmx.render(request, "exceptions/rulebooks.html", context)


@require_safe
@permission_required(SEE, raise_exception=True)
def book(request: HttpRequest, code: str) -> HttpResponse:
    """GET /ops/playbooks/<code>/: its versions, newest first."""
    found = Rulebook.objects.filter(code=code).first()
    reason = reasons.find(code)
    if found is None and code != rulebooks.APPROVALS and (reason is None or not reason.actions):
        raise Refusal("unknown_reason", "There is no such playbook.", status=404)
    title = "Approval rules" if code == rulebooks.APPROVALS else (reason.title if reason else code)
    context = {"code": code, "title": title, "versions": found.versions.all()[:100] if found else []}
    return htmx.render(request, "exceptions/rulebook.html", context)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def draft(request: HttpRequest, code: str) -> HttpResponse:
    """POST /ops/playbooks/<code>/draft: a new draft worded as the latest version, or the draft there is."""
    actor = actors.person(request.user)
    version = rulebooks.draft(rulebooks.open_book(code, actor=actor).pk, actor=actor)
    return htmx.redirect(request, _address(version))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(SEE, raise_exception=True)
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """GET, POST /ops/playbooks/<code>/<number>: its wording; a draft is a form (422 what is wrong, 409 stale).

    With `do`, the form comes back with a row added, removed or moved, and nothing is saved.
    """
    found = _find(code, number)
    document, note, problems = found.document, found.note, {}
    if request.method == "POST":
        if not request.user.has_perm(CHANGE):
            raise Refusal("forbidden", "You may look at these rules, not reword them.", status=403)
        document = rulebook_form.read(request.POST.dict(), playbook=found.rulebook.kind == RulebookKind.PLAYBOOK)
        note = request.POST.get("note", "").replace("\0", "").strip()
        if do := request.POST.get("do", ""):
            document = rulebook_form.changed(document, do, first=_actions(code)[0][0] if _actions(code) else "")
        else:
            try:
                rulebooks.save(
                    found.pk,
                    document=document,
                    note=note,
                    version=typed.version(request),
                    actor=actors.person(request.user),
                )
            except Invalid as invalid:
                problems = {problem.path: f"{problem.path}: {problem.message}" for problem in invalid.problems}
            else:
                htmx.toast(request, f"Draft {number} is saved")
                return htmx.redirect(request, _address(found))
    context = _worded(request, found, document, note, problems)
    status = 422 if problems else 200
    return htmx.render(
        request, "exceptions/rulebook_version.html", context, fragment="exceptions/_rulebook_form.html", status=status
    )


@require_POST
@permission_required(LAUNCH, raise_exception=True)
def launch(request: HttpRequest, code: str, number: int, verb: str) -> HttpResponse:
    """POST /ops/playbooks/<code>/<number>/(live|retire)."""
    found = _find(code, number)
    if verb not in MOVES:
        raise Refusal("unknown_step", "There is no such step.", status=404)
    MOVES[verb](found.pk, version=typed.version(request), actor=actors.person(request.user))
    htmx.toast(request, f"{found} {'is live now' if verb == 'live' else 'is retired'}")
    return htmx.redirect(request, _address(found))


@require_POST
@permission_required(SEE, raise_exception=True)
def rehearse(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """POST /ops/playbooks/<code>/<number>/last-week: what the version as saved would have done, as a job."""
    found = _find(code, number)
    with transaction.atomic():
        job = whatif.start(found.pk, actor=actors.person(request.user))
        jobs.send(job.pk, tasks.what_if)
    return htmx.redirect(request, _address(found))


def _find(code: str, number: int) -> RulebookVersion:
    rows = RulebookVersion.objects.select_related("rulebook", "rehearsal")
    return get_object_or_404(rows, rulebook__code=code, number=number)


def _address(found: RulebookVersion) -> str:
    return reverse("exceptions:rulebook_version", args=[found.rulebook.code, found.number])


def _actions(code: str) -> list[tuple[str, str]]:
    reason = reasons.find(code)
    return [(action.code, action.title) for action in reason.actions] if reason else []


def _worded(
    request: HttpRequest, found: RulebookVersion, document: dict[str, Any], note: str, problems: dict[str, str]
) -> dict[str, Any]:
    before = found.rulebook.versions.filter(number__lt=found.number).order_by("-number").first()
    return {
        "book": found.rulebook,
        "version": found,
        "is_playbook": found.rulebook.kind == RulebookKind.PLAYBOOK,
        "may": found.status == RuleStatus.DRAFT and request.user.has_perm(CHANGE),
        "document": document,
        "note": note,
        "problems": problems,
        "actions": _actions(found.rulebook.code),
        "titles": dict(_actions(found.rulebook.code)),
        "fields": list(playbook.FIELDS.items()),
        "ops": list(playbook.OPS.items()),
        "reasons": [(each.code, each.title) for each in reasons.every() if each.actions],
        "queues": [(team.code, team.title) for team in reasons.TEAMS.values()],
        "before": before,
        "diff": _diff(before.document, found.document) if before else [],
        "job": found.rehearsal,
    }


def _diff(before: Any, after: Any) -> list[tuple[str, str]]:
    """Lines that went ("-"), came ("+") or stand around them ("")."""
    old, new = (json.dumps(each, indent=1, ensure_ascii=False).splitlines() for each in (before, after))
    lines = difflib.unified_diff(old, new, lineterm="", n=2)
    return [(line[0].strip(), line[1:]) for line in lines if not line.startswith(("---", "+++", "@@"))]
