"""Versions of the disposition rules: what decides now, the draft, and what it would change."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from returns import clocks, disposing
from returns.models import DispositionRules, RulesStatus
from returns.services import disposition_rules, targets

SEE, CHANGE, LAUNCH = (
    "returns.view_dispositionrules", "returns.change_dispositionrules", "returns.launch_dispositionrules",
)  # fmt: skip
BLANK = 4
FIELDS = ("category", "grade", "at_least", "below", "disposition")


@require_safe
@permission_required(SEE, raise_exception=True)
def versions(request: HttpRequest) -> HttpResponse:
    """GET /ops/dispositions/: every version, newest first, and how long each step of a return may take."""
    page = htmx.keyset_page(DispositionRules.objects.all(), request, order=("-id",))
    context = {
        "page": page, "total": htmx.capped_count(DispositionRules.objects.all()),
        "draft": DispositionRules.objects.filter(status=RulesStatus.DRAFT).first(),
        "built_in": [rule.words for rule in disposing.BUILT_IN],
        "live": DispositionRules.objects.filter(status=RulesStatus.LIVE).prefetch_related("rules").first(),
        "targets": [(clocks.TITLES[step], hours) for step, hours in targets.hours().items()],
    }  # fmt: skip
    return htmx.render(request, "returns/rules.html", context, fragment="returns/_rules.html")


@require_POST
@permission_required(CHANGE, raise_exception=True)
def draft(request: HttpRequest) -> HttpResponse:
    """POST /ops/dispositions/draft: to the one draft, made from what decides now."""
    made = disposition_rules.draft(actor=actors.person(request.user))
    return htmx.redirect(request, reverse("returns:disposition_version", args=[made.number]))


@require_safe
@permission_required(SEE, raise_exception=True)
def version(request: HttpRequest, number: int) -> HttpResponse:
    """GET /ops/dispositions/<number>: its rules; of a draft, what it would change."""
    found = get_object_or_404(DispositionRules, number=number)
    return htmx.render(request, "returns/rules_version.html", _context(found), fragment="returns/_rules_version.html")


@require_POST
@permission_required(CHANGE, raise_exception=True)
def act(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """POST /ops/dispositions/<number>/<verb>: save or launch."""
    found = get_object_or_404(DispositionRules, number=number)
    actor = actors.person(request.user)
    if verb == "launch":
        if not request.user.has_perm(LAUNCH):
            raise Refusal("forbidden", "Your role may not put rules live.", status=403)
        disposition_rules.launch(found.pk, version=typed.version(request), actor=actor)
        htmx.toast(request, f"Version {found.number} decides from now on")
        return htmx.redirect(request, reverse("returns:disposition_version", args=[number]))
    if verb != "save":
        raise Refusal("unknown_action", "There is no such step here.", status=404)
    rows = _rows(request)
    try:
        rules = disposition_rules.parse(rows)
        disposition_rules.word(
            found.pk, rules, note=typed.words(request, "note", 300), version=typed.version(request), actor=actor
        )
    except Invalid as invalid:
        problems = {problem.path: f"{problem.path}: {problem.message}" for problem in invalid.problems}
        context = _context(found) | {"rows": rows, "problems": problems}
        return htmx.render(
            request, "returns/rules_version.html", context, fragment="returns/_rules_version.html", status=422
        )
    htmx.toast(request, "Kept")
    return htmx.redirect(request, reverse("returns:disposition_version", args=[number]))


def _rows(request: HttpRequest) -> list[dict[str, str]]:
    columns = {name: request.POST.getlist(name)[: disposition_rules.MOST_RULES + BLANK] for name in FIELDS}
    count = len(columns["disposition"])
    return [{name: (columns[name][n : n + 1] or [""])[0].strip() for name in FIELDS} for n in range(count)]


def _context(found: DispositionRules) -> dict[str, Any]:
    rules = [
        {"category": rule.category, "grade": rule.grade, "disposition": rule.disposition, "words": rule.words,
         "at_least": "" if rule.at_least is None else f"{rule.at_least:f}",
         "below": "" if rule.below is None else f"{rule.below:f}"}
        for rule in (row.pure for row in found.rules.all())
    ]  # fmt: skip
    is_draft = found.status == RulesStatus.DRAFT
    kinds = list(disposing.CHOSEN.items())
    return {
        "version": found, "rules": rules, "rows": rules + [dict.fromkeys(FIELDS, "")] * BLANK, "problems": {},
        "is_draft": is_draft, "trial": disposition_rules.try_out(found.pk) if is_draft else None,
        "grades": [("", "Any")] + [(g, f"{g} {words}") for g, words in disposing.GRADES.items()],
        "kinds": [("", "–"), *kinds],
    }  # fmt: skip
